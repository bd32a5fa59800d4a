// sigtimedwait with a timeout in progress: EAGAIN when it would have been.
#include "subject.h"

static void* body(void* arg) {
  long long begin = now_ms(CLOCK_MONOTONIC);
  long ms = timeout_ms();
  struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
  (void)ts;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 1);
  CHECK_ERRNO(sigtimedwait(&set, NULL, &ts), EAGAIN);
  CHECK_NEAR(now_ms(CLOCK_MONOTONIC) - begin, ms, kToleranceMs);
  return NULL;
}

int main(void) {
  struct thread thread;
  thread_start(&thread, body, NULL);
  wait_until_blocked(getpid(), thread.tid, "rt_sigtimedwait");
  STEP("rt_sigtimedwait in progress");
  thread_join(&thread);
  subject_done();
}
