// A private file mapping: modified pages keep the change, the others show the file, the file itself
// is untouched.
#include "subject.h"

enum { kPages = 40 };

int main(void) {
  size_t page = page_size();
  static char content[kPages * 4096];
  fill_pattern(content, sizeof content, 9);
  int fd = (int)CHECK_OK(open(subject_path("file"), O_RDWR | O_CREAT, 0644));
  CHECK_EQ(write(fd, content, sizeof content), sizeof content);
  char* map = CHECK_MAP(mmap(NULL, sizeof content, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  char* shifted = CHECK_MAP(mmap(NULL, 4 * page, PROT_READ, MAP_PRIVATE, fd, (off_t)(8 * page)));
  CHECK_OK(close(fd));
  for (size_t i = 0; i < kPages; i += 3) fill_pattern(map + i * page, page, (unsigned)i + 50);
  STEP("some pages modified");
  for (size_t i = 0; i < kPages; ++i) {
    if (i % 3 == 0)
      check_pattern(map + i * page, page, (unsigned)i + 50);
    else
      CHECK_MEM(map + i * page, content + i * page, page);
  }
  CHECK_MEM(shifted, content + 8 * page, 4 * page);
  fill_pattern(map + page, page, 7);
  fd = (int)CHECK_OK(open(subject_path("file"), O_RDWR));
  CHECK_EQ(pwrite(fd, "seen", 4, (off_t)(2 * page)), 4);  // an untouched page follows the file
  CHECK_MEM(map + 2 * page, "seen", 4);
  CHECK_OK(madvise(map, page, MADV_DONTNEED));  // dropping a modified page shows the file again
  CHECK_MEM(map, content, page);
  char* again = CHECK_MAP(mmap(NULL, sizeof content, PROT_READ, MAP_SHARED, fd, 0));
  CHECK_MEM(again + page, content + page, page);
  subject_done();
}
