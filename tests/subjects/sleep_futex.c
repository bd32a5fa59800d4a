// A futex wait with a relative timeout in progress: times out when it would have.
#include "subject.h"

static void* body(void* arg) {
  long long begin = now_ms(CLOCK_MONOTONIC);
  long ms = timeout_ms();
  struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
  (void)ts;
  static int word = 5;
  CHECK_ERRNO(syscall(SYS_futex, &word, 128 /* FUTEX_WAIT_PRIVATE */, 5, &ts, NULL, 0), ETIMEDOUT);
  CHECK_NEAR(now_ms(CLOCK_MONOTONIC) - begin, ms, kToleranceMs);
  return NULL;
}

int main(void) {
  struct thread thread;
  thread_start(&thread, body, NULL);
  wait_until_blocked(getpid(), thread.tid, "futex");
  nap_ms(timeout_ms() / 2);  // what is left must be told from the whole
  STEP("futex in progress");
  thread_join(&thread);
  subject_done();
}
