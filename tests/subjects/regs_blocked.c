// Registers across a system call in progress: callee-saved and SSE registers of a thread blocked in
// read, which then returns its result.
#include "subject.h"

static int fds[2];
static unsigned long out[6];
static unsigned char xmm_in[16], xmm_out[16];

static void* body(void* arg) {
  char byte = 0;
  long result;
  fill_pattern(xmm_in, sizeof xmm_in, 3);
  __asm__ volatile(
      "mov $0x1212121212121212, %%rbx; mov $0x3434343434343434, %%r12\n\t"
      "mov $0x5656565656565656, %%r13; mov $0x7878787878787878, %%r14\n\t"
      "movups (%[xmm_in]), %%xmm9\n\t"
      "xor %%eax, %%eax\n\t"  // read
      "syscall\n\t"
      "mov %%rbx, 0(%[out]); mov %%r12, 8(%[out]); mov %%r13, 16(%[out]); mov %%r14, 24(%[out])\n\t"
      "mov %%rdi, 32(%[out]); mov %%rdx, 40(%[out]); movups %%xmm9, (%[xmm_out])"
      : "=&a"(result)
      : "D"((long)fds[0]), "S"(&byte),
        "d"(1L), [out] "r"(out), [xmm_in] "r"(xmm_in), [xmm_out] "r"(xmm_out)
      : "memory", "rcx", "r11", "rbx", "r12", "r13", "r14", "xmm9");
  CHECK_EQ(result, 1);
  CHECK_EQ(byte, 'x');
  return NULL;
}

int main(void) {
  struct thread thread;
  CHECK_OK(pipe(fds));
  thread_start(&thread, body, NULL);
  wait_until_blocked(getpid(), thread.tid, "read");
  STEP("blocked in read");
  CHECK_EQ(write(fds[1], "x", 1), 1);
  thread_join(&thread);
  CHECK_EQ(out[0], 0x1212121212121212);
  CHECK_EQ(out[1], 0x3434343434343434);
  CHECK_EQ(out[2], 0x5656565656565656);
  CHECK_EQ(out[3], 0x7878787878787878);
  CHECK_EQ(out[4], fds[0]);
  CHECK_EQ(out[5], 1);
  CHECK_MEM(xmm_out, xmm_in, sizeof xmm_in);
  subject_done();
}
