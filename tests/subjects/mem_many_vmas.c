// Five hundred small mappings of alternating protection, each with content of its own.
#include "subject.h"

enum { kCount = 500 };

int main(void) {
  size_t page = page_size();
  char* area = CHECK_MAP(
      mmap(NULL, kCount * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (size_t i = 0; i < kCount; ++i) {
    fill_pattern(area + i * page, page, (unsigned)i);
    if (i % 2) CHECK_OK(mprotect(area + i * page, page, PROT_READ));
  }
  static struct layout before, now;
  layout_read(&before);
  CHECK(before.count > kCount);
  STEP("five hundred");
  layout_read(&now);
  layout_check_same(&now, &before);
  for (size_t i = 0; i < kCount; ++i) check_pattern(area + i * page, page, (unsigned)i);
  CHECK_OK(mprotect(area, kCount * page, PROT_READ | PROT_WRITE));
  fill_pattern(area, kCount * page, 1);
  check_pattern(area, kCount * page, 1);
  subject_done();
}
