// Asks for an io_uring: inside an instance there is none (ENOSYS); where it is allowed, holds one.
#include "subject.h"

#include <linux/io_uring.h>

int main(void) {
  struct io_uring_params params = {0};
  int fd = (int)syscall(SYS_io_uring_setup, 8, &params);
  if (fd < 0) {
    if (errno != ENOSYS && subject_cycles()) FAIL("io_uring_setup");
    if (errno != ENOSYS) subject_skip("io_uring_setup: %s", strerror(errno));
    subject_done();
  }
  subject_expect(fd, "io_uring");
  subject_hold();
  CHECK_OK(syscall(SYS_io_uring_enter, fd, 0, 0, 0, NULL, 0));
  subject_done();
}
