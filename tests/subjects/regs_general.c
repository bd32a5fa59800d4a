// General registers, callee-saved and not, the flags (direction flag too) and the red zone of a
// spinning thread.
#include "subject.h"

static long spin;  // 1: go on
static atomic_int ready;
static unsigned long out[16];

__attribute__((naked, noinline)) static void spin_with_known_registers(void) {
  __asm__ volatile(
      "push %%rbx; push %%rbp; push %%r12; push %%r13; push %%r14; push %%r15\n\t"
      "mov $0x1111111111111111, %%rbx; mov $0x2222222222222222, %%rbp\n\t"
      "mov $0x3333333333333333, %%rdx; mov $0x4444444444444444, %%rsi\n\t"
      "mov $0x5555555555555555, %%rdi; mov $0x6666666666666666, %%r8\n\t"
      "mov $0x7777777777777777, %%r9;  mov $0x8888888888888888, %%r10\n\t"
      "mov $0x9999999999999999, %%r11; mov $0xaaaaaaaaaaaaaaaa, %%r12\n\t"
      "mov $0xbbbbbbbbbbbbbbbb, %%r13; mov $0xcccccccccccccccc, %%r14\n\t"
      "mov $0xdddddddddddddddd, %%r15; mov $0xeeeeeeeeeeeeeeee, %%rax\n\t"
      "movq $0x1234567, -120(%%rsp)\n\t"  // below the stack pointer: the red zone
      "movl $1, %[ready]\n\t"
      "push $0xcd7; popfq\n\t"  // CF PF AF ZF SF DF OF
      "1: mov %[spin], %%rcx\n\t"
      "jrcxz 2f\n\t"
      "jmp 1b\n\t"  // no instruction of the loop touches the flags
      "2: pushfq\n\t"
      "popq %c[out]+104(%%rip); cld\n\t"
      "mov %%rbx, %c[out]+0(%%rip);  mov %%rbp, %c[out]+8(%%rip)\n\t"
      "mov %%rdx, %c[out]+16(%%rip); mov %%rsi, %c[out]+24(%%rip)\n\t"
      "mov %%rdi, %c[out]+32(%%rip); mov %%r8, %c[out]+40(%%rip)\n\t"
      "mov %%r9, %c[out]+48(%%rip);  mov %%r10, %c[out]+56(%%rip)\n\t"
      "mov %%r11, %c[out]+64(%%rip); mov %%r12, %c[out]+72(%%rip)\n\t"
      "mov %%r13, %c[out]+80(%%rip); mov %%r14, %c[out]+88(%%rip)\n\t"
      "mov %%r15, %c[out]+96(%%rip); mov %%rax, %c[out]+112(%%rip)\n\t"
      "mov -120(%%rsp), %%rax; mov %%rax, %c[out]+120(%%rip)\n\t"
      "pop %%r15; pop %%r14; pop %%r13; pop %%r12; pop %%rbp; pop %%rbx; ret"
      :
      : [spin] "m"(spin), [ready] "m"(ready), [out] "i"(out));
}

static void* body(void* arg) {
  spin_with_known_registers();
  return NULL;
}

int main(void) {
  struct thread thread;
  spin = 1;
  thread_start(&thread, body, NULL);
  wait_until_flag(&ready, 1);
  STEP("spinning");
  __atomic_store_n(&spin, 0, __ATOMIC_SEQ_CST);
  thread_join(&thread);
  for (int i = 0; i < 13; ++i) CHECK_EQ(out[i], (unsigned long)(i + 1) * 0x1111111111111111);
  CHECK_EQ(out[13] & 0xcd5, 0xcd5);
  CHECK_EQ(out[14], 0xeeeeeeeeeeeeeeee);
  CHECK_EQ(out[15], 0x1234567);
  subject_done();
}
