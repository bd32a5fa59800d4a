// What is in a pipe stays in it, byte for byte, and it goes on working; many pipes at once.
#include "subject.h"

#include <sys/ioctl.h>

enum { kCount = 10 };

int main(void) {
  int fds[kCount][2], left = 0;
  static char bytes[60000], now[60000];
  fill_pattern(bytes, sizeof bytes, 1);
  for (int i = 0; i < kCount; ++i) {
    CHECK_OK(pipe(fds[i]));
    for (int n = 0; n < i * 6000; n += 600) CHECK_EQ(write(fds[i][1], bytes + n, 600), 600);
  }
  CHECK_EQ(read(fds[3][0], now, 250), 250);  // begins in the middle of a page
  STEP("contents");
  for (int i = 0; i < kCount; ++i) {
    int size = i * 6000 - (i == 3 ? 250 : 0);
    CHECK_OK(ioctl(fds[i][0], FIONREAD, &left));
    CHECK_EQ(left, size);
    if (size == 0) continue;
    CHECK_EQ(read(fds[i][0], now, sizeof now), size);
    CHECK_MEM(now, bytes + (i == 3 ? 250 : 0), (size_t)size);
  }
  for (int i = 0; i < kCount; ++i) {
    CHECK_EQ(write(fds[i][1], "more", 4), 4);
    CHECK_EQ(read(fds[i][0], now, sizeof now), 4);
    CHECK_MEM(now, "more", 4);
  }
  subject_done();
}
