// A MAP_GROWSDOWN mapping keeps its content and still grows when the page below it is touched.
#include "subject.h"

int main(void) {
  size_t page = page_size();
  char* room = CHECK_MAP(mmap(NULL, 1024 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK_OK(munmap(room, 1024 * page));
  char* area =
      CHECK_MAP(mmap(room + 900 * page, 4 * page, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, -1, 0));
  fill_pattern(area, 4 * page, 3);
  area[-1] = 'a';
  CHECK_EQ(area[-(long)page], 0);
  static struct layout layout;
  layout_read(&layout);
  CHECK(strstr(layout_find(&layout, area)->flags, "gd") != NULL);
  STEP("growing down");
  check_pattern(area, 4 * page, 3);
  CHECK_EQ(area[-1], 'a');
  for (long i = 2; i <= 20; ++i) area[-i * (long)page + 1] = (char)i;
  for (long i = 2; i <= 20; ++i) CHECK_EQ(area[-i * (long)page + 1], i);
  layout_read(&layout);
  CHECK(strstr(layout_find(&layout, area)->flags, "gd") != NULL);
  subject_done();
}
