// Sealed mappings (mseal), which nobody can move, unmap or change again: anonymous, in the middle
// of a mapping, of a file, and not accessible at all.
#include "subject.h"

enum { kMseal = 462 };
static char much[4 << 20];  // so that the writes to all of it are tracked

int main(void) {
  char* area =
      CHECK_MAP(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  fill_pattern(area, 65536, 1);
  fill_pattern(much, sizeof much, 2);
  if (syscall(kMseal, area + 16384, 16384, 0) != 0) subject_skip("mseal: %s", strerror(errno));
  int fd = (int)CHECK_OK(open("/proc/self/exe", O_RDONLY));
  char* file = CHECK_MAP(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
  CHECK_OK(syscall(kMseal, file, 4096, 0));
  char* none = CHECK_MAP(mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK_OK(syscall(kMseal, none, 8192, 0));
  CHECK_OK(mlock(area + 20480, 4096));
  for (int i = 0; i < 2; ++i) {
    STEP(i == 0 ? "sealed" : "changed since");
    check_pattern(area, 16384, 1);
    CHECK_MEM(file, "\177ELF", 4);
    CHECK_ERRNO(munmap(area + 16384, 4096), EPERM);
    CHECK_ERRNO(munmap(area, 65536), EPERM);
    CHECK_ERRNO(mprotect(area + 24576, 4096, PROT_READ), EPERM);
    CHECK_ERRNO(
        mmap(file, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED
            ? -1
            : 0,
        EPERM);
    CHECK_ERRNO(mremap(none, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0, EPERM);
    CHECK_OK(munlock(area + 20480, 4096));
    CHECK_OK(mprotect(area, 16384, PROT_READ));
    CHECK_OK(mprotect(area, 16384, PROT_READ | PROT_WRITE));
    area[20000] = (char)('a' + i);
  }
  CHECK_EQ(area[20000], 'b');
  check_pattern(much, sizeof much, 2);
  subject_done();
}
