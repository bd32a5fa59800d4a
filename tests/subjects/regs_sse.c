// All sixteen SSE registers and mxcsr (rounding, exceptions) of a spinning thread.
#include "subject.h"

static volatile int spin = 1;
static atomic_int ready;
static unsigned char in[16][16], out[16][16];
static unsigned in_mxcsr = 0x7f80, out_mxcsr;  // round to zero, all exceptions masked

static void* body(void* arg) {
  for (int i = 0; i < 16; ++i) fill_pattern(in[i], 16, (unsigned)i);
  __asm__ volatile("ldmxcsr %0" ::"m"(in_mxcsr));
#define LOAD(n) "movups " #n "*16(%[in]), %%xmm" #n "\n\t"
#define SAVE(n) "movups %%xmm" #n ", " #n "*16(%[out])\n\t"
#define ALL(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
  __asm__ volatile(ALL(LOAD) "movl $1, %[ready]\n\t"
                             "1: pause; cmpl $0, %[spin]; jne 1b\n\t" ALL(SAVE) "stmxcsr %[mxcsr]"
                   : [ready] "+m"(ready), [mxcsr] "=m"(out_mxcsr)
                   : [in] "r"(in), [out] "r"(out), [spin] "m"(spin)
                   : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                     "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  return NULL;
}

int main(void) {
  struct thread thread;
  thread_start(&thread, body, NULL);
  wait_until_flag(&ready, 1);
  STEP("spinning");
  spin = 0;
  thread_join(&thread);
  for (int i = 0; i < 16; ++i) CHECK_MEM(out[i], in[i], 16);
  CHECK_EQ(out_mxcsr, in_mxcsr);
  subject_done();
}
