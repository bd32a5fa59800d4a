// sigwaitinfo in progress, without a timeout: stays, and takes the signal that comes after the
// restore.
#include "subject.h"

static sigset_t set;
static atomic_int got;

static void* body(void* arg) {
  siginfo_t info;
  CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN + 4);
  CHECK_EQ(info.si_value.sival_int, 77);
  CHECK_EQ(info.si_pid, getpid());
  got = 1;
  return NULL;
}

int main(void) {
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 4);
  CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
  struct thread thread;
  thread_start(&thread, body, NULL);
  wait_until_blocked(getpid(), thread.tid, "rt_sigtimedwait");
  STEP("sigwaitinfo in progress");
  CHECK_EQ(got, 0);
  wait_until_blocked(getpid(), thread.tid, "rt_sigtimedwait");
  CHECK_OK(sigqueue(getpid(), SIGRTMIN + 4, (union sigval){.sival_int = 77}));
  thread_join(&thread);
  subject_done();
}
