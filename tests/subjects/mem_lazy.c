// Memory that was given up lazily (MADV_FREE) shows what it held or zeros, and holds what is
// written after that; memory told to be cold or paged out holds what it held.
#include "subject.h"

enum { kFree, kFreeWritten, kCold, kPageout, kCount, kSize = 64 * 1024 };
static const int kAdvice[kCount] = {MADV_FREE, MADV_FREE, MADV_COLD, MADV_PAGEOUT};

// Each page whole or not at all.
static void check_free(const char* area) {
  static char zeros[4096];
  static char pattern[kSize];
  fill_pattern(pattern, kSize, kFree);
  for (int at = 0; at < kSize; at += 4096)
    if (memcmp(area + at, zeros, 4096) != 0) CHECK_MEM(area + at, pattern + at, 4096);
}

int main(void) {
  char* areas[kCount];
  for (int i = 0; i < kCount; ++i) {
    areas[i] =
        CHECK_MAP(mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    fill_pattern(areas[i], kSize, (unsigned)i);
    CHECK_OK(madvise(areas[i], kSize, kAdvice[i]));
  }
  fill_pattern(areas[kFreeWritten], kSize, 9);
  STEP("given up lazily");
  check_free(areas[kFree]);
  check_pattern(areas[kFreeWritten], kSize, 9);
  check_pattern(areas[kCold], kSize, kCold);
  check_pattern(areas[kPageout], kSize, kPageout);
  fill_pattern(areas[kFree], kSize, kFree);
  CHECK_OK(madvise(areas[kFree], kSize, MADV_FREE));
  STEP("given up once more");
  check_free(areas[kFree]);
  subject_done();
}
