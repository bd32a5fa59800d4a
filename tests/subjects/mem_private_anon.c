// Private anonymous memory: full pages, partly touched areas, zero pages, read-only touched pages.
#include "subject.h"

enum { kPages = 600 };

int main(void) {
  size_t page = page_size();
  char* full = CHECK_MAP(
      mmap(NULL, kPages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  char* holes = CHECK_MAP(
      mmap(NULL, kPages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  char* zero = CHECK_MAP(
      mmap(NULL, kPages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  fill_pattern(full, kPages * page, 1);
  for (size_t i = 0; i < kPages; i += 7) fill_pattern(holes + i * page, page, (unsigned)i);
  volatile char sink = 0;
  for (size_t i = 0; i < kPages; ++i) sink += zero[i * page];
  zero[5 * page] = 1;
  zero[5 * page] = 0;
  STEP("patterns");
  check_pattern(full, kPages * page, 1);
  for (size_t i = 0; i < kPages; ++i) {
    if (i % 7 == 0) check_pattern(holes + i * page, page, (unsigned)i);
    for (size_t j = 0; j < page; j += 64) {
      if (i % 7 != 0) CHECK_EQ(holes[i * page + j], 0);
      CHECK_EQ(zero[i * page + j], 0);
    }
  }
  fill_pattern(full + 100 * page, 50 * page, 2);
  fill_pattern(holes + 3 * page, page, 3);
  CHECK_OK(madvise(full, 10 * page, MADV_DONTNEED));
  STEP("changed");
  for (size_t j = 0; j < 10 * page; ++j) CHECK_EQ(full[j], 0);
  check_pattern(full + 100 * page, 50 * page, 2);
  check_pattern(holes + 3 * page, page, 3);
  check_pattern(holes + 7 * page, page, 7);
  CHECK_EQ(holes[8 * page], 0);
  subject_done();
}
