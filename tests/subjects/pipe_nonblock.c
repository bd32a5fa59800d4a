// O_NONBLOCK and close-on-exec are kept for each end apart.
#include "subject.h"

int main(void) {
  int fds[2], other[2];
  char byte;
  CHECK_OK(pipe(fds));
  CHECK_OK(pipe2(other, O_CLOEXEC));
  CHECK_OK(fcntl(fds[0], F_SETFL, O_NONBLOCK));
  CHECK_OK(fcntl(other[1], F_SETFL, O_NONBLOCK));
  CHECK_OK(fcntl(other[1], F_SETFD, 0));
  STEP("flags");
  CHECK_EQ(fcntl(fds[0], F_GETFL), O_RDONLY | O_NONBLOCK);
  CHECK_EQ(fcntl(fds[1], F_GETFL), O_WRONLY);
  CHECK_EQ(fcntl(other[0], F_GETFL), O_RDONLY);
  CHECK_EQ(fcntl(other[1], F_GETFL), O_WRONLY | O_NONBLOCK);
  CHECK_EQ(fcntl(fds[0], F_GETFD), 0);
  CHECK_EQ(fcntl(other[0], F_GETFD), FD_CLOEXEC);
  CHECK_EQ(fcntl(other[1], F_GETFD), 0);
  CHECK_ERRNO(read(fds[0], &byte, 1), EAGAIN);
  while (write(other[1], "x", 1) == 1) {
  }
  CHECK_EQ(errno, EAGAIN);
  subject_done();
}
