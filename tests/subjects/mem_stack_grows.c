// The main stack: what is deep in it is kept, and it still grows, down to where its limit is.
#include "subject.h"

__attribute__((noinline)) static unsigned long recurse(int depth, unsigned long seed,
                                                       const char* step) {
  volatile unsigned long block[1000];
  for (int i = 0; i < 1000; ++i) block[i] = seed * (unsigned)(i + 1);
  unsigned long below = depth > 0 ? recurse(depth - 1, seed + 1, step) : 0;
  if (depth == 0 && step) STEP(step);
  for (int i = 0; i < 1000; ++i)
    if (block[i] != seed * (unsigned)(i + 1)) FAIL("depth %d, word %d", depth, i);
  return below + seed;
}

int main(void) {
  unsigned long sum = recurse(100, 7, "deep in the stack");  // 800 KB
  CHECK_EQ(sum, recurse(100, 7, NULL));
  STEP("shallow again");
  unsigned long deeper = recurse(700, 7, NULL);  // 5.6 MB: has to grow
  CHECK(deeper > sum);
  subject_done();
}
