// All sixteen AVX registers, in full width, of two spinning threads with different contents.
#include "subject.h"

#include <immintrin.h>

struct task {
  unsigned seed;
  unsigned char in[16][32], out[16][32];
};
static volatile int spin = 1;
static atomic_int ready;

__attribute__((target("avx"))) static void* body(void* arg) {
  struct task* task = arg;
  for (unsigned i = 0; i < 16; ++i) fill_pattern(task->in[i], 32, task->seed + i);
#define LOAD(n) "vmovups " #n "*32(%[in]), %%ymm" #n "\n\t"
#define SAVE(n) "vmovups %%ymm" #n ", " #n "*32(%[out])\n\t"
#define ALL(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
  __asm__ volatile(ALL(LOAD) "lock incl %[ready]\n\t"
                             "1: pause; cmpl $0, %[spin]; jne 1b\n\t" ALL(SAVE) "vzeroupper"
                   : [ready] "+m"(ready)
                   : [in] "r"(task->in), [out] "r"(task->out), [spin] "m"(spin)
                   : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                     "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  return NULL;
}

int main(void) {
  static struct task tasks[2] = {{.seed = 100}, {.seed = 200}};
  static struct thread threads[2];
  if (!__builtin_cpu_supports("avx")) subject_skip("this cpu has no AVX");
  for (int i = 0; i < 2; ++i) thread_start(&threads[i], body, &tasks[i]);
  wait_until_flag(&ready, 2);
  STEP("spinning");
  spin = 0;
  for (int t = 0; t < 2; ++t) {
    thread_join(&threads[t]);
    for (int i = 0; i < 16; ++i) CHECK_MEM(tasks[t].out[i], tasks[t].in[i], 32);
  }
  subject_done();
}
