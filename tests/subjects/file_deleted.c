// Deleted but open: content, size, mode and offset stay, it can grow, and what has its name now is
// another file.
#include "subject.h"

int main(void) {
  const char* path = subject_path("file");
  static char bytes[70000], now[70000];
  fill_pattern(bytes, sizeof bytes, 2);
  int fd = (int)CHECK_OK(open(path, O_RDWR | O_CREAT, 0751));
  CHECK_EQ(write(fd, bytes, sizeof bytes), sizeof bytes);
  int second = (int)CHECK_OK(open(path, O_RDONLY));  // the same deleted file, opened twice
  CHECK_OK(lseek(fd, 100, SEEK_SET));
  CHECK_OK(unlink(path));
  write_text(path, "another file");
  struct stat st;
  for (int round = 0; round < 2; ++round) {
    STEP(round ? "again" : "deleted");
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 100);
    CHECK_OK(fstat(fd, &st));
    CHECK_EQ(st.st_nlink, 0);
    CHECK_EQ(st.st_mode & 07777, 0751);
    CHECK_EQ(st.st_size, (long)sizeof bytes + round * 5);
    CHECK_EQ(pread(second, now, sizeof now, 0), sizeof now);
    CHECK_MEM(now, bytes, sizeof bytes);
    CHECK_EQ(pwrite(fd, "grown", 5, sizeof bytes), 5);
    CHECK_EQ(pread(second, now, 5, sizeof bytes), 5);
    CHECK_MEM(now, "grown", 5);
    read_text(path, now, sizeof now);
    CHECK_STR(now, "another file");
  }
  struct stat other;
  CHECK_OK(fstat(second, &other));
  CHECK_EQ(st.st_ino, other.st_ino);
  CHECK_OK(ftruncate(fd, 10));
  CHECK_EQ(pread(second, now, 100, 0), 10);
  subject_done();
}
