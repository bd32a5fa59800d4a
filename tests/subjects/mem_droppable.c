// MAP_DROPPABLE: memory that the kernel may drop at any moment, and that must never be found in an
// image. Afterwards it shows what it held or zeros, is droppable as before and can be written.
#include "subject.h"

enum { kMapDroppable = 0x08, kSize = 64 * 1024 };

int main(void) {
  char* area = mmap(NULL, kSize, PROT_READ | PROT_WRITE, kMapDroppable | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) subject_skip("MAP_DROPPABLE: %s", strerror(errno));
  static char zeros[4096], pattern[kSize];
  static struct layout before, now;
  fill_pattern(area, kSize, 1);
  fill_pattern(pattern, kSize, 1);
  layout_read(&before);
  CHECK(strstr(layout_find(&before, area)->flags, "dp") != NULL);
  STEP("droppable");
  layout_read(&now);
  layout_check_same(&now, &before);
  for (int at = 0; at < kSize; at += 4096)
    if (memcmp(area + at, zeros, 4096) != 0) CHECK_MEM(area + at, pattern + at, 4096);
  fill_pattern(area, kSize, 2);
  pid_t child = (pid_t)CHECK_OK(fork());
  if (child == 0) {
    for (int i = 0; i < kSize; ++i) CHECK_EQ(area[i], 0);  // wiped on fork
    _exit(0);
  }
  reap_ok(child);
  subject_done();
}
