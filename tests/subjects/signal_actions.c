// Every signal action: handler, flags, mask and restorer, as the kernel tells them, for all 64
// signals.
#include "subject.h"

struct kernel_action {
  void* handler;
  unsigned long flags;
  void* restorer;
  unsigned long mask;
};

__attribute__((naked)) static void restorer(void) { __asm__("mov $15, %eax; syscall"); }
static void handler_a(int signo) {}
static void handler_b(int signo, siginfo_t* info, void* context) {}

enum { kRestorer = 0x04000000, kExposeTagbits = 0x800 };
static const unsigned long kFlags[] = {
    SA_RESTART,
    SA_NODEFER,
    SA_RESETHAND,
    SA_ONSTACK,
    SA_NOCLDWAIT,
    SA_NOCLDSTOP,
    SA_SIGINFO,
    kExposeTagbits,
    SA_RESTART | SA_ONSTACK,
    SA_NODEFER | SA_SIGINFO,
    0,
};

static long get(int signo, struct kernel_action* action) {
  return syscall(SYS_rt_sigaction, signo, NULL, action, 8);
}

int main(void) {
  static struct kernel_action before[65];
  for (int signo = 1; signo <= 64; ++signo) {
    if (signo == SIGKILL || signo == SIGSTOP) continue;
    struct kernel_action action = {
        .handler = signo % 3 ? (void*)handler_a : (void*)handler_b,
        .flags = kFlags[(size_t)signo % (sizeof kFlags / sizeof kFlags[0])] | kRestorer,
        .restorer = (void*)restorer,
        .mask = 0x123456789ul << signo % 7,
    };
    if (signo % 10 == 0) action.handler = SIG_IGN;
    if (signo % 11 == 0) action = (struct kernel_action){.handler = SIG_DFL};
    CHECK_OK(syscall(SYS_rt_sigaction, signo, &action, NULL, 8));
    CHECK_OK(get(signo, &before[signo]));
  }
  STEP("actions");
  for (int signo = 1; signo <= 64; ++signo) {
    struct kernel_action now;
    if (signo == SIGKILL || signo == SIGSTOP) continue;
    CHECK_OK(get(signo, &now));
    if (memcmp(&now, &before[signo], sizeof now) != 0)
      FAIL("signal %d: handler %p flags %#lx restorer %p mask %#lx, expected %p %#lx %p %#lx",
           signo, now.handler, now.flags, now.restorer, now.mask, before[signo].handler,
           before[signo].flags, before[signo].restorer, before[signo].mask);
  }
  subject_done();
}
