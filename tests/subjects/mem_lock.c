// mlock, mlock2(ONFAULT) and MAP_LOCKED: the flags, the content and the amount locked.
#include "subject.h"

static long locked_kb(void) {
  static char text[8192];
  read_text("/proc/self/status", text, sizeof text);
  return atol(strstr(text, "VmLck:") + 6);
}

int main(void) {
  size_t size = 16 * page_size();
  char* locked =
      CHECK_MAP(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  char* on_fault =
      CHECK_MAP(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  char* from_the_start = CHECK_MAP(
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
  fill_pattern(locked, size, 1);
  fill_pattern(from_the_start, size / 2, 2);
  CHECK_OK(mlock(locked, size));
  CHECK_OK(syscall(SYS_mlock2, on_fault, size, 1 /* MLOCK_ONFAULT */));
  on_fault[0] = 'f';
  long before_kb = locked_kb();
  static struct layout before, now;
  layout_read(&before);
  STEP("locked");
  layout_read(&now);
  layout_check_same(&now, &before);
  CHECK_EQ(locked_kb(), before_kb);
  check_pattern(locked, size, 1);
  CHECK_EQ(on_fault[0], 'f');
  check_pattern(from_the_start, size / 2, 2);
  unsigned char resident[16];
  CHECK_OK(mincore(locked, size, resident));
  for (int i = 0; i < 16; ++i) CHECK_EQ(resident[i] & 1, 1);
  CHECK_OK(mincore(from_the_start, size, resident));
  for (int i = 0; i < 16; ++i) CHECK_EQ(resident[i] & 1, 1);
  CHECK_OK(munlock(locked, size));
  CHECK_EQ(locked_kb(), before_kb - (long)size / 1024);
  subject_done();
}
