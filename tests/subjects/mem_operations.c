// mremap (grow, move, shrink), munmap of a part and DONTNEED act on restored memory as on any
// other.
#include "subject.h"

int main(void) {
  size_t page = page_size();
  char* area =
      CHECK_MAP(mmap(NULL, 64 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  fill_pattern(area, 64 * page, 1);
  static char expected[64 * 4096];
  memcpy(expected, area, sizeof expected);
  STEP("operations");
  char* moved = CHECK_MAP(mremap(area, 64 * page, 256 * page, MREMAP_MAYMOVE));
  CHECK_MEM(moved, expected, sizeof expected);
  CHECK_EQ(moved[100 * page], 0);
  moved[255 * page] = 'x';
  CHECK_MAP(mremap(moved, 256 * page, 48 * page, 0));
  unsigned char resident;
  CHECK_ERRNO(mincore(moved + 50 * page, page, &resident), ENOMEM);
  CHECK_OK(munmap(moved + 10 * page, 4 * page));
  CHECK_ERRNO(mincore(moved + 11 * page, page, &resident), ENOMEM);
  CHECK_OK(madvise(moved + 20 * page, page, MADV_DONTNEED));
  CHECK_EQ(moved[20 * page + 9], 0);
  CHECK_MEM(moved + 21 * page, expected + 21 * page, 20 * page);
  char* fixed = CHECK_MAP(mmap(moved + 10 * page, page, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
  CHECK_EQ((long)fixed, (long)(moved + 10 * page));
  fixed[0] = 'f';
  STEP("after them");
  CHECK_MEM(moved, expected, 10 * page);
  CHECK_EQ(moved[10 * page], 'f');
  CHECK_EQ(moved[20 * page + 9], 0);
  CHECK_MEM(moved + 21 * page, expected + 21 * page, 20 * page);
  subject_done();
}
