// Huge address space, little memory: 64 GiB reserved without access, 8 GiB without reserve with a
// few pages used.
#include "subject.h"

#define GIB (1ul << 30)

int main(void) {
  char* reserve = CHECK_MAP(
      mmap(NULL, 64 * GIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  char* sparse = CHECK_MAP(mmap(NULL, 8 * GIB, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  for (unsigned long i = 0; i < 64; ++i)
    fill_pattern(sparse + i * (128ul << 20) + 4096 * i, 4096, (unsigned)i);
  CHECK_OK(mprotect(reserve + 32 * GIB, 8192, PROT_READ | PROT_WRITE));
  fill_pattern(reserve + 32 * GIB, 8192, 99);
  static struct layout before, now;
  layout_read(&before);
  STEP("sparse");
  layout_read(&now);
  layout_check_same(&now, &before);
  for (unsigned long i = 0; i < 64; ++i)
    check_pattern(sparse + i * (128ul << 20) + 4096 * i, 4096, (unsigned)i);
  check_pattern(reserve + 32 * GIB, 8192, 99);
  CHECK_EQ(sparse[5 * GIB + 3 * 4096 + (1 << 20)], 0);
  CHECK_OK(mprotect(reserve + 50 * GIB, 8192, PROT_READ | PROT_WRITE));
  reserve[50 * GIB] = 1;
  CHECK_OK(munmap(reserve + 60 * GIB, 4 * GIB));
  subject_done();
}
