// splice, tee and vmsplice work on restored pipes, and what vmsplice had put in is still there.
#include "subject.h"

#include <sys/uio.h>

int main(void) {
  int a[2], b[2];
  static char bytes[8192] __attribute__((aligned(4096))), now[8192];
  fill_pattern(bytes, sizeof bytes, 5);
  CHECK_OK(pipe(a));
  CHECK_OK(pipe(b));
  struct iovec part = {bytes, sizeof bytes};
  CHECK_EQ(vmsplice(a[1], &part, 1, 0), sizeof bytes);
  int fd = (int)CHECK_OK(open(subject_path("file"), O_RDWR | O_CREAT, 0644));
  CHECK_EQ(write(fd, "from the file", 13), 13);
  loff_t at = 0;
  CHECK_EQ(splice(fd, &at, a[1], NULL, 13, 0), 13);  // a page of the file is in the pipe now
  STEP("spliced in");
  CHECK_EQ(tee(a[0], b[1], sizeof bytes + 13, 0), sizeof bytes + 13);
  CHECK_EQ(read(b[0], now, sizeof bytes), sizeof bytes);
  CHECK_MEM(now, bytes, sizeof bytes);
  CHECK_EQ(read(b[0], now, sizeof now), 13);
  CHECK_MEM(now, "from the file", 13);
  at = 100;
  CHECK_EQ(splice(a[0], NULL, fd, &at, 5000, 0), 5000);
  CHECK_EQ(pread(fd, now, 5000, 100), 5000);
  CHECK_MEM(now, bytes, 5000);
  CHECK_EQ(splice(a[0], NULL, b[1], NULL, 100000, 0), sizeof bytes - 5000 + 13);
  CHECK_EQ(read(b[0], now, sizeof now), sizeof bytes - 5000 + 13);
  CHECK_MEM(now, bytes + 5000, sizeof bytes - 5000);
  subject_done();
}
