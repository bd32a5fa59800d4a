// Record locks of a process that has a file open more than once: whichever descriptor they were
// taken through, and whoever it inherited others from.
#include "subject.h"

static void check_locked_by(int fd, off_t at, pid_t owner) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
  CHECK_OK(fcntl(fd, F_GETLK, &lock));
  CHECK_EQ(lock.l_type, F_WRLCK);
  CHECK_EQ(lock.l_pid, owner);
}

static void take(int fd, off_t at) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
  CHECK_OK(fcntl(fd, F_SETLK, &lock));
}

int main(void) {
  int first = (int)CHECK_OK(open(subject_path("file"), O_RDWR | O_CREAT, 0644));
  int later = (int)CHECK_OK(open(subject_path("file"), O_RDWR));
  CHECK_OK(dup(later));
  take(later, 10);
  struct peer child = peer_fork();
  if (child.pid == 0) {
    int own = (int)CHECK_OK(open(subject_path("file"), O_RDWR));
    take(own, 20);
    peer_tell(&child, 0);
    peer_hear(&child);
    check_locked_by(own, 10, getppid());
    _exit(0);
  }
  peer_hear(&child);
  STEP("locked");
  check_locked_by(first, 20, child.pid);
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
