// The x87 stack (eight values), control word and status of a spinning thread.
#include "subject.h"

static volatile int spin = 1;
static atomic_int ready;
static long double in[8], out[8];
static unsigned short control = 0x0e7f, control_out, status_in,
                      status_out;  // double precision, to zero

static void* body(void* arg) {
  for (int i = 0; i < 8; ++i) in[i] = 1.0L / (i + 3);
  __asm__ volatile(
      "fninit; fldcw %[control]\n\t"
      "fldt 0(%[in]); fldt 16(%[in]); fldt 32(%[in]); fldt 48(%[in])\n\t"
      "fldt 64(%[in]); fldt 80(%[in]); fldt 96(%[in]); fldt 112(%[in])\n\t"
      "fnstsw %[status_in]; movl $1, %[ready]\n\t"
      "1: pause; cmpl $0, %[spin]; jne 1b\n\t"
      "fnstsw %[status_out]; fnstcw %[control_out]\n\t"
      "fstpt 112(%[out]); fstpt 96(%[out]); fstpt 80(%[out]); fstpt 64(%[out])\n\t"
      "fstpt 48(%[out]); fstpt 32(%[out]); fstpt 16(%[out]); fstpt 0(%[out]); fninit"
      : [ready] "+m"(ready), [status_in] "=m"(status_in), [status_out] "=m"(status_out),
        [control_out] "=m"(control_out)
      : [in] "r"(in), [out] "r"(out), [spin] "m"(spin), [control] "m"(control)
      : "memory", "cc", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");
  return NULL;
}

int main(void) {
  struct thread thread;
  thread_start(&thread, body, NULL);
  wait_until_flag(&ready, 1);
  STEP("spinning");
  spin = 0;
  thread_join(&thread);
  for (int i = 0; i < 8; ++i) CHECK_MEM(&out[i], &in[i], 10);
  CHECK_EQ(control_out & 0x0f3f, control & 0x0f3f);
  CHECK_EQ(status_out, status_in);
  subject_done();
}
