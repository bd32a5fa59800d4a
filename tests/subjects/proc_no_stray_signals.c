// A restore sends nothing: no SIGCHLD, SIGIO, SIGPIPE, SIGHUP, SIGCONT or any other signal to
// parent or child.
#include "subject.h"

static volatile sig_atomic_t counts[65];
static void count(int signo, siginfo_t* info, void* context) { ++counts[signo]; }

static void catch_all(void) {
  struct sigaction action = {.sa_sigaction = count, .sa_flags = SA_SIGINFO | SA_RESTART};
  for (int signo = 1; signo <= 64; ++signo)
    if (signo != SIGKILL && signo != SIGSTOP && signo != 32 && signo != 33)
      CHECK_OK(sigaction(signo, &action, NULL));
}

static void check_none(void) {
  for (int signo = 1; signo <= 64; ++signo)
    if (counts[signo]) FAIL("signal %d came %d times", signo, counts[signo]);
  sigset_t pending;
  CHECK_OK(sigpending(&pending));
  for (int signo = 1; signo <= 64; ++signo) CHECK_EQ(sigismember(&pending, signo) == 1, 0);
}

int main(void) {
  catch_all();
  struct peer children[3];
  for (int i = 0; i < 3; ++i) {
    children[i] = peer_fork();
    if (children[i].pid == 0) {
      peer_tell(&children[i], 0);
      peer_hear(&children[i]);
      check_none();
      peer_tell(&children[i], 0);
      peer_hear(&children[i]);
      _exit(0);
    }
    peer_hear(&children[i]);
  }
  pid_t stopped = (pid_t)CHECK_OK(fork());
  if (stopped == 0)
    for (;;) pause();
  CHECK_OK(kill(stopped, SIGSTOP));
  wait_until(counts[SIGCHLD] == 1);
  counts[SIGCHLD] = 0;
  STEP("quiet");
  check_none();
  for (int i = 0; i < 3; ++i) peer_tell(&children[i], 0), peer_hear(&children[i]);
  check_none();
  CHECK_OK(kill(stopped, SIGKILL));
  CHECK_EQ(reap(stopped), SIGKILL);
  wait_until(counts[SIGCHLD] > 0);  // and signals still come
  for (int i = 0; i < 3; ++i) peer_tell(&children[i], 0), peer_end(&children[i]);
  subject_done();
}
