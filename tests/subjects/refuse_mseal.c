// Holds a sealed mapping (mseal), which nobody can move, unmap or change again.
#include "subject.h"

int main(void) {
  char* area =
      CHECK_MAP(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  fill_pattern(area, 65536, 1);
  if (syscall(462, area, 16384, 0) != 0) subject_skip("mseal: %s", strerror(errno));
  subject_expect(kNoDescriptor, "seal");
  subject_hold();
  CHECK_ERRNO(munmap(area, 16384), EPERM);
  CHECK_OK(munmap(area + 32768, 32768));
  check_pattern(area, 32768, 1);
  subject_done();
}
