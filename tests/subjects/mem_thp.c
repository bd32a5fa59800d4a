// Memory advised to be huge, 2 MiB aligned: content, the advice and later splitting of it.
#include "subject.h"

enum { kHuge = 2 << 20 };

int main(void) {
  char* room =
      CHECK_MAP(mmap(NULL, 5 * kHuge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  char* area = (char*)(((uintptr_t)room + kHuge - 1) & ~(uintptr_t)(kHuge - 1));
  CHECK_OK(madvise(area, 4 * kHuge, MADV_HUGEPAGE));
  fill_pattern(area, 2 * kHuge, 1);
  area[2 * kHuge + 77] = 'h';
  static struct layout before, now;
  layout_read(&before);
  STEP("huge");
  layout_read(&now);
  layout_check_same(&now, &before);
  check_pattern(area, 2 * kHuge, 1);
  CHECK_EQ(area[2 * kHuge + 77], 'h');
  CHECK_EQ(area[3 * kHuge], 0);
  CHECK_OK(mprotect(area + 4096, 4096, PROT_READ));
  CHECK_OK(madvise(area + kHuge + 8192, 4096, MADV_DONTNEED));
  CHECK_OK(munmap(area + kHuge + 65536, 4096));
  STEP("split");
  check_pattern(area, kHuge, 1);
  CHECK_EQ(area[kHuge + 8192], 0);
  unsigned char resident;
  CHECK_ERRNO(mincore(area + kHuge + 65536, 4096, &resident), ENOMEM);
  subject_done();
}
