// A terminal that nobody else may open (TIOCEXCL) stays closed to others, until that is ended; one
// whose slave is still locked can be opened once it is unlocked.
#include "subject_pty.h"

static int open_as_other(const char* path) {
  pid_t pid = (pid_t)CHECK_OK(fork());
  if (pid == 0) {
    CHECK_OK(setuid(1000));
    _exit(open(path, O_RDWR | O_NOCTTY) < 0 ? errno : 0);
  }
  return WEXITSTATUS(reap(pid));
}

int main(void) {
  struct pty pty = open_pty(), open_to_all = open_pty();
  int exclusive = -1, locked = -1;
  char path[64];
  CHECK_OK(fchmod(pty.slave, 0666));
  CHECK_OK(fchmod(open_to_all.slave, 0666));
  CHECK_OK(ioctl(pty.slave, TIOCEXCL));
  CHECK_EQ(open_as_other(pty.path), EBUSY);
  int master = (int)CHECK_OK(posix_openpt(O_RDWR | O_NOCTTY));
  CHECK_EQ(ptsname_r(master, path, sizeof path), 0);
  STEP("exclusive and locked");
  CHECK_OK(ioctl(pty.slave, TIOCGEXCL, &exclusive));
  CHECK_EQ(exclusive, 1);
  CHECK_EQ(open_as_other(pty.path), EBUSY);
  CHECK_OK(ioctl(open_to_all.slave, TIOCGEXCL, &exclusive));
  CHECK_EQ(exclusive, 0);
  CHECK_EQ(open_as_other(open_to_all.path), 0);
  CHECK_OK(ioctl(pty.slave, TIOCNXCL));
  CHECK_EQ(open_as_other(pty.path), 0);
  CHECK_OK(ioctl(pty.master, TIOCGPTLCK, &locked));
  CHECK_EQ(locked, 0);
  CHECK_OK(ioctl(master, TIOCGPTLCK, &locked));
  CHECK_EQ(locked, 1);
  CHECK_ERRNO(open(path, O_RDWR | O_NOCTTY), EIO);
  CHECK_OK(unlockpt(master));
  int slave = (int)CHECK_OK(open(path, O_RDWR | O_NOCTTY));
  type(slave, "unlocked\n");
  EXPECT(master, "unlocked\r\n");
  subject_done();
}
