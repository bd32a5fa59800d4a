// A lease that another process has asked to be given up, and that still holds.
#include "subject.h"

static const char* path;
static void remove_file(void) { unlink(path); }

int main(void) {
  path = "/dev/shm/subject-lease-broken";
  CHECK(signal(SIGIO, SIG_IGN) != SIG_ERR);
  CHECK_OK(close((int)CHECK_OK(open(path, O_RDWR | O_CREAT | O_EXCL, 0600))));
  subject_on_exit(remove_file);
  int fd = (int)CHECK_OK(open(path, O_RDONLY));
  CHECK_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
  CHECK_ERRNO(open(path, O_WRONLY | O_NONBLOCK), EWOULDBLOCK);
  CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK);  // what it is to become
  subject_expect(fd, "give up");
  subject_hold();
  CHECK_OK(fcntl(fd, F_SETLEASE, F_UNLCK));
  CHECK_OK(close((int)CHECK_OK(open(path, O_WRONLY | O_NONBLOCK))));
  subject_done();
}
