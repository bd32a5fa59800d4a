// A pipe's capacity (F_SETPIPE_SZ), larger and smaller than usual, stays, and so does what fills
// it.
#include "subject.h"

int main(void) {
  static const int kSizes[] = {4096, 16384, 65536, 1 << 20};
  int fds[4][2];
  static char bytes[1 << 20], now[1 << 20];
  fill_pattern(bytes, sizeof bytes, 2);
  for (int i = 0; i < 4; ++i) {
    CHECK_OK(pipe2(fds[i], O_NONBLOCK));
    if (fcntl(fds[i][1], F_SETPIPE_SZ, kSizes[i]) < 0)
      subject_skip("F_SETPIPE_SZ: %s", strerror(errno));
    CHECK_EQ(write(fds[i][1], bytes, (size_t)kSizes[i]), kSizes[i]);
    CHECK_ERRNO(write(fds[i][1], bytes, 1), EAGAIN);
  }
  STEP("full, of several sizes");
  for (int i = 0; i < 4; ++i) {
    CHECK_EQ(fcntl(fds[i][0], F_GETPIPE_SZ), kSizes[i]);
    CHECK_ERRNO(write(fds[i][1], bytes, 1), EAGAIN);
    for (int got = 0; got < kSizes[i];)
      got += (int)CHECK_OK(read(fds[i][0], now + got, (size_t)(kSizes[i] - got)));
    CHECK_MEM(now, bytes, (size_t)kSizes[i]);
    CHECK_ERRNO(read(fds[i][0], now, 1), EAGAIN);
  }
  subject_done();
}
