// Signal actions still act: SA_RESETHAND, SA_NODEFER, the action's mask, SA_NOCLDWAIT, and ignored
// signals.
#include "subject.h"

static volatile sig_atomic_t depth, deepest, other, other_inside;

static void nodefer(int signo) {
  if (++depth > deepest) deepest = depth;
  if (depth < 3) raise(signo);
  --depth;
}
static void outer(int signo) {
  raise(SIGUSR2);
  other_inside = other;
}
static void inner(int signo) { ++other; }

int main(void) {
  struct sigaction action = {.sa_handler = nodefer, .sa_flags = SA_NODEFER};
  CHECK_OK(sigaction(SIGHUP, &action, NULL));
  action = (struct sigaction){.sa_handler = inner, .sa_flags = (int)SA_RESETHAND};
  CHECK_OK(sigaction(SIGINT, &action, NULL));
  action = (struct sigaction){.sa_handler = inner};
  CHECK_OK(sigaction(SIGUSR2, &action, NULL));
  action = (struct sigaction){.sa_handler = outer};
  sigaddset(&action.sa_mask, SIGUSR2);
  CHECK_OK(sigaction(SIGUSR1, &action, NULL));
  action = (struct sigaction){.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
  CHECK_OK(sigaction(SIGCHLD, &action, NULL));
  CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
  STEP("actions");
  raise(SIGHUP);
  CHECK_EQ(deepest, 3);
  raise(SIGUSR1);
  CHECK_EQ(other_inside, 0);  // held back inside the handler
  CHECK_EQ(other, 1);
  raise(SIGPIPE);
  raise(SIGINT);
  CHECK_EQ(other, 2);
  struct sigaction now;
  CHECK_OK(sigaction(SIGINT, NULL, &now));
  CHECK_EQ(now.sa_handler, SIG_DFL);
  pid_t child = (pid_t)CHECK_OK(fork());
  if (child == 0) _exit(1);
  CHECK_ERRNO(waitpid(child, NULL, 0), ECHILD);  // left no zombie
  subject_done();
}
