// A deleted file of 5 GiB with three small islands of data stays sparse.
#include "subject.h"

int main(void) {
  int fd = (int)CHECK_OK(open(subject_path("file"), O_RDWR | O_CREAT, 0600));
  CHECK_OK(unlink(subject_path("file")));
  static const off_t kAt[] = {0, (off_t)1 << 30, (off_t)4 << 30};
  char block[4096];
  for (unsigned i = 0; i < 3; ++i) {
    fill_pattern(block, sizeof block, i);
    CHECK_EQ(pwrite(fd, block, sizeof block, kAt[i]), sizeof block);
  }
  CHECK_OK(ftruncate(fd, (off_t)5 << 30));
  STEP("sparse");
  struct stat st;
  CHECK_OK(fstat(fd, &st));
  CHECK_EQ(st.st_size, (off_t)5 << 30);
  CHECK(st.st_blocks < 2048);
  for (unsigned i = 0; i < 3; ++i) {
    CHECK_EQ(pread(fd, block, sizeof block, kAt[i]), sizeof block);
    check_pattern(block, sizeof block, i);
  }
  CHECK_EQ(lseek(fd, 1 << 20, SEEK_DATA), kAt[1]);
  subject_done();
}
