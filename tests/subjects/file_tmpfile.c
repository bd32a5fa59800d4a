// O_TMPFILE: a file that never had a name keeps its content and can be given a name afterwards.
#include "subject.h"

int main(void) {
  int fd = open(subject_dir(), O_TMPFILE | O_RDWR, 0600);
  if (fd < 0) subject_skip("O_TMPFILE: %s", strerror(errno));
  static char bytes[9000], now[9000];
  fill_pattern(bytes, sizeof bytes, 3);
  CHECK_EQ(write(fd, bytes, sizeof bytes), sizeof bytes);
  STEP("without a name");
  CHECK_EQ(lseek(fd, 0, SEEK_CUR), (long)sizeof bytes);
  CHECK_EQ(pread(fd, now, sizeof now, 0), sizeof now);
  CHECK_MEM(now, bytes, sizeof bytes);
  struct stat st;
  CHECK_OK(fstat(fd, &st));
  CHECK_EQ(st.st_nlink, 0);
  CHECK_EQ(st.st_mode & 07777, 0600);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  CHECK_OK(linkat(AT_FDCWD, path, AT_FDCWD, subject_path("named"), AT_SYMLINK_FOLLOW));
  CHECK_EQ(write(fd, "more", 4), 4);
  int named = (int)CHECK_OK(open(subject_path("named"), O_RDONLY));
  CHECK_EQ(pread(named, now, 4, sizeof bytes), 4);
  CHECK_MEM(now, "more", 4);
  subject_done();
}
