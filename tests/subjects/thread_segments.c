// FS and GS bases are kept in every thread, and can be used and set afterwards.
#include "subject.h"

#include <asm/prctl.h>

enum { kCount = 3 };
static long blocks[kCount + 1][8];
static atomic_int go, ready;

static void check_segments(long index, unsigned long fs) {
  unsigned long base = 0;
  CHECK_OK(syscall(SYS_arch_prctl, ARCH_GET_FS, &base));
  CHECK_EQ(base, fs);
  CHECK_OK(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
  CHECK_EQ(base, (unsigned long)blocks[index]);
  long value;
  __asm__ volatile("movq %%gs:8, %0" : "=r"(value));
  CHECK_EQ(value, 1000 + index);
}

static unsigned long set_segments(long index) {
  unsigned long fs = 0;
  blocks[index][1] = 1000 + index;
  CHECK_OK(syscall(SYS_arch_prctl, ARCH_SET_GS, blocks[index]));
  CHECK_OK(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs));
  return fs;
}

static void* body(void* arg) {
  unsigned long fs = set_segments((long)arg);
  ++ready;
  wait_until_flag(&go, 1);
  check_segments((long)arg, fs);
  return NULL;
}

int main(void) {
  struct thread threads[kCount];
  unsigned long fs = set_segments(kCount);
  for (long i = 0; i < kCount; ++i) thread_start(&threads[i], body, (void*)i);
  wait_until_flag(&ready, kCount);
  STEP("fs and gs");
  check_segments(kCount, fs);
  go = 1;
  for (int i = 0; i < kCount; ++i) thread_join(&threads[i]);
  subject_done();
}
