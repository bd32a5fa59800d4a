// siglongjmp out of a handler entered before the restore; a fault handler that repairs and returns,
// after it.
#include "subject.h"

#include <setjmp.h>

static sigjmp_buf target;
static void* page;
static volatile sig_atomic_t faults;

static void jump(int signo) {
  STEP("in a handler that jumps");
  siglongjmp(target, 5);
}

static void repair(int signo, siginfo_t* info, void* context) {
  ++faults;
  if (info->si_addr != page || info->si_code != SEGV_ACCERR)
    FAIL("fault at %p, code %d", info->si_addr, info->si_code);
  CHECK_OK(mprotect(page, page_size(), PROT_READ | PROT_WRITE));
}

int main(void) {
  CHECK(signal(SIGUSR1, jump) != SIG_ERR);
  struct sigaction action = {.sa_sigaction = repair, .sa_flags = SA_SIGINFO};
  CHECK_OK(sigaction(SIGSEGV, &action, NULL));
  page = CHECK_MAP(mmap(NULL, page_size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  int jumped = sigsetjmp(target, 1);
  if (jumped == 0) {
    raise(SIGUSR1);
    FAIL("the handler returned");
  }
  CHECK_EQ(jumped, 5);
  sigset_t mask;
  CHECK_OK(sigprocmask(SIG_SETMASK, NULL, &mask));
  CHECK_EQ(sigismember(&mask, SIGUSR1), 0);
  *(volatile int*)page = 8;
  CHECK_EQ(faults, 1);
  CHECK_EQ(*(volatile int*)page, 8);
  subject_done();
}
