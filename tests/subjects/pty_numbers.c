// A terminal keeps its number, and its file mode and owner, although one with a lower number is
// gone.
#include "subject_pty.h"

int main(void) {
  struct pty lower = open_pty(), kept = open_pty();
  struct stat before, now;
  unsigned number = 0, number_now = 1;
  char path[64];
  CHECK_OK(fchown(kept.slave, 1000, 1001));
  CHECK_OK(fchmod(kept.slave, 0600));
  CHECK_OK(fstat(kept.slave, &before));
  CHECK_OK(ioctl(kept.master, TIOCGPTN, &number));
  int other_master = (int)CHECK_OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));
  unsigned other_number = 0;
  CHECK_OK(ioctl(other_master, TIOCGPTN, &other_number));
  CHECK_OK(close(lower.slave));
  CHECK_OK(close(lower.master));
  STEP("the lower one gone");
  CHECK_OK(ioctl(kept.master, TIOCGPTN, &number_now));
  CHECK_EQ(number_now, number);
  CHECK_EQ(ptsname_r(kept.master, path, sizeof path), 0);
  CHECK_STR(path, kept.path);
  CHECK_EQ(ttyname_r(kept.slave, path, sizeof path), 0);
  CHECK_STR(path, kept.path);
  for (int by_path = 0; by_path < 2; ++by_path) {
    CHECK_OK(by_path ? stat(path, &now) : fstat(kept.slave, &now));
    CHECK_EQ(now.st_rdev, before.st_rdev);
    CHECK_EQ(now.st_mode, before.st_mode);
    CHECK_EQ(now.st_uid, 1000);
    CHECK_EQ(now.st_gid, 1001);
  }
  CHECK_OK(ioctl(other_master, TIOCGPTN, &number_now));
  CHECK_EQ(number_now, other_number);
  int second = (int)CHECK_OK(open(path, O_RDWR | O_NOCTTY));
  type(second, "by the name\n");
  EXPECT(kept.master, "by the name\r\n");
  struct pty next = open_pty();  // takes the number that is free, or a higher one
  CHECK(strcmp(next.path, kept.path) != 0);
  type(next.slave, "new\n");
  EXPECT(next.master, "new\r\n");
  CHECK_QUIET(kept.master);
  subject_done();
}
