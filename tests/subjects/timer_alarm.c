// alarm: the remaining seconds are kept, and it goes off on time after the restore.
#include "subject.h"

static volatile sig_atomic_t rung;
static void ring(int signo) { ++rung; }

int main(void) {
  CHECK(signal(SIGALRM, ring) != SIG_ERR);
  alarm(500);
  STEP("five hundred seconds");
  unsigned left = alarm(subject_cycles() ? 4 : 1);
  CHECK_NEAR(left, 490, 10);
  long long begin = now_ms(CLOCK_MONOTONIC), due = subject_cycles() ? 4000 : 1000;
  STEP("about to ring");
  wait_until(rung);
  CHECK_NEAR(now_ms(CLOCK_MONOTONIC) - begin, due, kToleranceMs);
  CHECK_EQ(rung, 1);
  CHECK_EQ(alarm(0), 0);
  subject_done();
}
