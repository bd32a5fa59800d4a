// O_DIRECT pipes keep the boundaries of their packets, and which end is in packet mode.
#include "subject.h"

int main(void) {
  int fds[2];
  static char bytes[4096], now[4096];
  CHECK_OK(pipe2(fds, O_DIRECT | O_NONBLOCK));
  fill_pattern(bytes, sizeof bytes, 1);
  static const size_t kSizes[] = {1, 100, 4096, 7, 2000};
  for (int i = 0; i < 5; ++i) CHECK_EQ(write(fds[1], bytes, kSizes[i]), kSizes[i]);
  STEP("packets");
  CHECK_EQ(fcntl(fds[1], F_GETFL) & O_DIRECT, O_DIRECT);
  for (int i = 0; i < 4; ++i) {
    CHECK_EQ(read(fds[0], now, sizeof now), kSizes[i]);
    CHECK_MEM(now, bytes, kSizes[i]);
  }
  CHECK_EQ(read(fds[0], now, 10), 10);  // the rest of a packet is dropped
  CHECK_ERRNO(read(fds[0], now, 10), EAGAIN);
  CHECK_EQ(write(fds[1], "a", 1), 1);
  CHECK_EQ(write(fds[1], "bc", 2), 2);
  CHECK_EQ(read(fds[0], now, sizeof now), 1);
  CHECK_EQ(read(fds[0], now, sizeof now), 2);
  subject_done();
}
