// Inside a handler on an alternate stack, and inside a second one above it, at the restore: both
// return properly.
#include "subject.h"

static char stack[128 * 1024];
static volatile sig_atomic_t outer_done, inner_done;

static void inner(int signo, siginfo_t* info, void* context) {
  if (!inner_done) STEP("in two handlers");
  CHECK_EQ(info->si_code, SI_QUEUE);
  CHECK_EQ(info->si_value.sival_int, 22);
  inner_done = 1;
}

static void outer(int signo, siginfo_t* info, void* context) {
  char here;
  CHECK(&here > stack && &here < stack + sizeof stack);
  STEP("in a handler");
  sigset_t mask;
  CHECK_OK(sigprocmask(SIG_SETMASK, NULL, &mask));
  CHECK_EQ(sigismember(&mask, SIGUSR1), 1);
  CHECK_EQ(sigismember(&mask, SIGHUP), 1);
  CHECK_EQ(info->si_value.sival_int, 11);
  stack_t now;
  CHECK_OK(sigaltstack(NULL, &now));
  CHECK_EQ(now.ss_flags, SS_ONSTACK);
  CHECK_OK(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 22}));
  CHECK_EQ(inner_done, 1);
  outer_done = 1;
}

int main(void) {
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction action = {.sa_sigaction = outer, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigaddset(&action.sa_mask, SIGHUP);
  CHECK_OK(sigaltstack(&alternate, NULL));
  CHECK_OK(sigaction(SIGUSR1, &action, NULL));
  action.sa_sigaction = inner;
  CHECK_OK(sigaction(SIGUSR2, &action, NULL));
  volatile double kept = 1.0 / 3;
  CHECK_OK(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 11}));
  CHECK_EQ(outer_done, 1);
  CHECK(kept == 1.0 / 3);
  sigset_t mask;
  CHECK_OK(sigprocmask(SIG_SETMASK, NULL, &mask));
  CHECK_EQ(sigismember(&mask, SIGUSR1), 0);
  CHECK_EQ(sigismember(&mask, SIGHUP), 0);
  stack_t now;
  CHECK_OK(sigaltstack(NULL, &now));
  CHECK_EQ(now.ss_flags, 0);
  STEP("after both");
  CHECK_OK(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 22}));
  subject_done();
}
