// mlockall(MCL_CURRENT | MCL_FUTURE): present mappings stay locked, and new ones are locked too;
// with MCL_ONFAULT, as they are touched.
#include "subject.h"

int main(void) {
  if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) subject_skip("mlockall: %s", strerror(errno));
  size_t size = 8 * page_size();
  char* area =
      CHECK_MAP(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  fill_pattern(area, size, 1);
  static struct layout before, now;
  layout_read(&before);
  CHECK(strstr(layout_find(&before, area)->flags, "lo") != NULL);
  STEP("all locked");
  layout_read(&now);
  layout_check_same(&now, &before);
  check_pattern(area, size, 1);
  char* later =
      CHECK_MAP(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  layout_read(&now);
  CHECK(strstr(layout_find(&now, later)->flags, "lo") != NULL);
  CHECK_OK(mlockall(MCL_FUTURE | MCL_ONFAULT));
  STEP("later ones when they are touched");
  later = CHECK_MAP(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  layout_read(&now);
  CHECK(strstr(layout_find(&now, later)->flags, "lf") != NULL);
  CHECK_OK(munlockall());
  later = CHECK_MAP(mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  layout_read(&now);
  CHECK(strstr(layout_find(&now, later)->flags, "lo") == NULL);
  subject_done();
}
