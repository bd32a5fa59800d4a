// ITIMER_REAL with an interval: the remaining time and the interval are kept, and it goes on
// ticking.
#include "subject.h"

#include <sys/time.h>

static volatile sig_atomic_t ticks;
static void tick(int signo) { ++ticks; }

static long long left_ms(const struct itimerval* timer) {
  return timer->it_value.tv_sec * 1000LL + timer->it_value.tv_usec / 1000;
}

int main(void) {
  CHECK(signal(SIGALRM, tick) != SIG_ERR);
  struct itimerval timer = {.it_value = {100, 0}, .it_interval = {0, 20000}}, now;
  CHECK_OK(setitimer(ITIMER_REAL, &timer, NULL));
  long long begin = now_ms(CLOCK_MONOTONIC);
  STEP("long before it fires");
  CHECK_OK(getitimer(ITIMER_REAL, &now));
  CHECK_NEAR(left_ms(&now), 100000 - (now_ms(CLOCK_MONOTONIC) - begin), kToleranceMs);
  CHECK_EQ(now.it_interval.tv_usec, 20000);
  CHECK_EQ(ticks, 0);
  timer.it_value = (struct timeval){0, 20000};
  CHECK_OK(setitimer(ITIMER_REAL, &timer, NULL));
  wait_until(ticks >= 2);
  STEP("ticking");
  int before = ticks;
  wait_until(ticks >= before + 5);
  subject_done();
}
