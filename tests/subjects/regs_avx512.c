// All thirty-two AVX-512 registers and the mask registers of a spinning thread.
#include "subject.h"

static volatile int spin = 1;
static atomic_int ready;
static unsigned char in[32][64], out[32][64];
static unsigned short masks_out[8];

__attribute__((target("avx512f"))) static void* body(void* arg) {
  for (int i = 0; i < 32; ++i) fill_pattern(in[i], 64, (unsigned)i);
#define LOAD(n) "vmovups " #n "*64(%[in]), %%zmm" #n "\n\t"
#define SAVE(n) "vmovups %%zmm" #n ", " #n "*64(%[out])\n\t"
#define MASK_IN(n) "mov $0x1230+" #n ", %%eax; kmovw %%eax, %%k" #n "\n\t"
#define MASK_OUT(n) "kmovw %%k" #n ", %%eax; movw %%ax, " #n "*2(%[masks])\n\t"
#define EIGHT(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define SECOND_EIGHT(X) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define THIRD_EIGHT(X) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23)
#define FOURTH_EIGHT(X) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
#define ALL(X) EIGHT(X) SECOND_EIGHT(X) THIRD_EIGHT(X) FOURTH_EIGHT(X)
  __asm__ volatile(ALL(LOAD) EIGHT(MASK_IN) "movl $1, %[ready]\n\t"
                   "1: pause; cmpl $0, %[spin]; jne 1b\n\t" ALL(SAVE) EIGHT(MASK_OUT) "vzeroupper"
                   : [ready] "+m"(ready)
                   : [in] "r"(in), [out] "r"(out), [spin] "m"(spin), [masks] "r"(masks_out)
                   : "memory", "cc", "eax", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                     "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  return NULL;
}

int main(void) {
  struct thread thread;
  if (!__builtin_cpu_supports("avx512f")) subject_skip("this cpu has no AVX-512");
  thread_start(&thread, body, NULL);
  wait_until_flag(&ready, 1);
  STEP("spinning");
  spin = 0;
  thread_join(&thread);
  for (int i = 0; i < 32; ++i) CHECK_MEM(out[i], in[i], 64);
  for (int i = 0; i < 8; ++i) CHECK_EQ(masks_out[i], 0x1230 + i);
  subject_done();
}
