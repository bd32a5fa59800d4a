// Files made by the application keep owner, mode, times, links, extended attributes and holes.
#include "subject.h"

#include <sys/xattr.h>

int main(void) {
  const char* path = subject_path("file");
  int fd = (int)CHECK_OK(open(path, O_RDWR | O_CREAT, 0644));
  CHECK_EQ(pwrite(fd, "end", 3, 10 << 20), 3);
  CHECK_OK(fchmod(fd, 04751));
  struct timespec times[2] = {{1000000000, 5}, {1100000000, 123456789}};
  CHECK_OK(futimens(fd, times));
  bool has_xattr = setxattr(path, "user.subject", "value", 5, 0) == 0;
  CHECK_OK(symlink("../nowhere", subject_path("link")));
  CHECK_OK(mkfifo(subject_path("fifo"), 0620));
  struct stat before, now;
  CHECK_OK(stat(path, &before));
  STEP("metadata");
  CHECK_OK(stat(path, &now));
  CHECK_EQ(now.st_mode, before.st_mode);
  CHECK_EQ(now.st_uid, before.st_uid);
  CHECK_EQ(now.st_size, before.st_size);
  CHECK_EQ(now.st_mtim.tv_sec, 1100000000);
  CHECK_EQ(now.st_mtim.tv_nsec, 123456789);
  CHECK(now.st_blocks < 2000);
  char text[32] = {0};
  if (has_xattr) {
    CHECK_EQ(getxattr(path, "user.subject", text, sizeof text), 5);
    CHECK_STR(text, "value");
  }
  memset(text, 0, sizeof text);
  CHECK_OK(readlink(subject_path("link"), text, sizeof text));
  CHECK_STR(text, "../nowhere");
  CHECK_OK(stat(subject_path("fifo"), &now));
  CHECK(S_ISFIFO(now.st_mode));
  CHECK_OK(fstat(fd, &now));
  CHECK_EQ(now.st_ino, before.st_ino);
  subject_done();
}
