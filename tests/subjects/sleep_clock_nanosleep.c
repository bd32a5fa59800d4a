// A relative clock_nanosleep in progress: ends when it would have, without EINTR.
#include "subject.h"

static void* body(void* arg) {
  long long begin = now_ms(CLOCK_MONOTONIC);
  long ms = timeout_ms();
  struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
  (void)ts;
  CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL), 0);
  CHECK_NEAR(now_ms(CLOCK_MONOTONIC) - begin, ms, kToleranceMs);
  return NULL;
}

int main(void) {
  struct thread thread;
  thread_start(&thread, body, NULL);
  wait_until_blocked(getpid(), thread.tid, "clock_nanosleep");
  nap_ms(timeout_ms() / 2);  // what is left must be told from the whole
  STEP("clock_nanosleep in progress");
  thread_join(&thread);
  subject_done();
}
