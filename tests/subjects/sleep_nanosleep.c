// nanosleep in progress: ends when it would have, without EINTR.
#include "subject.h"

static void* body(void* arg) {
  long long begin = now_ms(CLOCK_MONOTONIC);
  long ms = timeout_ms();
  struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
  (void)ts;
  CHECK_OK(syscall(SYS_nanosleep, &ts, NULL));
  CHECK_NEAR(now_ms(CLOCK_MONOTONIC) - begin, ms, kToleranceMs);
  return NULL;
}

int main(void) {
  struct thread thread;
  thread_start(&thread, body, NULL);
  wait_until_blocked(getpid(), thread.tid, "nanosleep");
  nap_ms(timeout_ms() / 2);  // what is left must be told from the whole
  STEP("nanosleep in progress");
  thread_join(&thread);
  subject_done();
}
