// A lease (F_SETLEASE) is kept, and another process's open breaks it with a signal.
#include "subject.h"

int main(void) {
  const char* path = subject_path("file");
  int fd = (int)CHECK_OK(open(path, O_RDWR | O_CREAT, 0644));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGIO);
  CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
  if (fcntl(fd, F_SETLEASE, F_WRLCK) != 0) {
    snprintf((char*)path, 64, "/dev/shm/subject-lease-%d", getpid());  // this file system has none
    fd = (int)CHECK_OK(open(path, O_RDWR | O_CREAT, 0644));
    if (fcntl(fd, F_SETLEASE, F_WRLCK) != 0) {
      unlink(path);
      subject_skip("F_SETLEASE: %s", strerror(errno));
    }
  }
  STEP("lease");
  CHECK_EQ(fcntl(fd, F_GETLEASE), F_WRLCK);
  struct timespec none = {0}, enough = {10, 0};
  siginfo_t info;
  CHECK_ERRNO(sigtimedwait(&set, &info, &none), EAGAIN);
  struct peer child = peer_fork();
  if (child.pid == 0) {
    CHECK_ERRNO(open(path, O_RDONLY | O_NONBLOCK), EWOULDBLOCK);
    peer_tell(&child, 0);
    CHECK_OK(open(path, O_RDONLY));  // waits until the lease is given up
    _exit(0);
  }
  peer_hear(&child);
  CHECK_EQ(sigtimedwait(&set, &info, &enough), SIGIO);
  CHECK_EQ(fcntl(fd, F_GETLEASE), F_RDLCK);  // being broken, to what the other may have
  CHECK_OK(fcntl(fd, F_SETLEASE, F_UNLCK));
  peer_end(&child);
  CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK);
  CHECK_OK(unlink(path));
  subject_done();
}
