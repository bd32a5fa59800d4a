// Names given to anonymous memory (PR_SET_VMA_ANON_NAME) stay in the memory map.
#include "subject.h"

int main(void) {
  char* area =
      CHECK_MAP(mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (prctl(0x53564d41, 0, area, 8192, "subject heap") != 0)
    subject_skip("PR_SET_VMA: %s", strerror(errno));
  static struct layout now;
  layout_read(&now);
  CHECK_STR(layout_find(&now, area)->path, "[anon:subject heap]");
  STEP("named");
  layout_read(&now);
  CHECK_STR(layout_find(&now, area)->path, "[anon:subject heap]");
  CHECK_STR(layout_find(&now, area + 8192)->path, "");
  subject_done();
}
