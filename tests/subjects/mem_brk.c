// The heap: its end stays where it was, content is kept, and it grows and shrinks with brk.
#include "subject.h"

int main(void) {
  char* start = sbrk(300 * 1024);
  CHECK(start != (void*)-1);
  fill_pattern(start, 300 * 1024, 8);
  char* end = sbrk(0);
  STEP("heap");
  CHECK_EQ((long)sbrk(0), (long)end);
  check_pattern(start, 300 * 1024, 8);
  char* more = sbrk(200 * 1024);
  CHECK_EQ((long)more, (long)end);
  fill_pattern(more, 200 * 1024, 9);
  CHECK_EQ(brk(end), 0);
  CHECK_EQ((long)sbrk(200 * 1024), (long)end);
  for (int i = 4096; i < 200 * 1024; i += 512) CHECK_EQ(more[i], 0);  // fresh after shrinking
  check_pattern(start, 300 * 1024, 8);
  STEP("grown");
  CHECK_EQ((long)sbrk(0), (long)more + 200 * 1024);
  char* block = malloc(3 << 20);
  CHECK(block != NULL);
  fill_pattern(block, 3 << 20, 10);
  free(block);
  subject_done();
}
