// An absolute clock_nanosleep in progress, on the monotonic clock, ends at that time.
#include "subject.h"

static void* body(void* arg) {
  long long begin = now_ms(CLOCK_MONOTONIC);
  long ms = timeout_ms();
  struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
  (void)ts;
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += ts.tv_sec + (until.tv_nsec + ts.tv_nsec) / 1000000000;
  until.tv_nsec = (until.tv_nsec + ts.tv_nsec) % 1000000000;
  CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  CHECK(now.tv_sec > until.tv_sec || (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec));
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
