// ITIMER_VIRTUAL and ITIMER_PROF: interval and remaining cpu time are kept, and they fire by cpu
// used.
#include "subject.h"

#include <sys/time.h>

static volatile sig_atomic_t virtual_ticks, prof_ticks;
static void on_virtual(int signo) { ++virtual_ticks; }
static void on_prof(int signo) { ++prof_ticks; }

int main(void) {
  CHECK(signal(SIGVTALRM, on_virtual) != SIG_ERR);
  CHECK(signal(SIGPROF, on_prof) != SIG_ERR);
  struct itimerval timer = {.it_value = {50, 0}, .it_interval = {0, 30000}}, now;
  CHECK_OK(setitimer(ITIMER_VIRTUAL, &timer, NULL));
  timer.it_interval.tv_usec = 40000;
  CHECK_OK(setitimer(ITIMER_PROF, &timer, NULL));
  STEP("armed");
  CHECK_OK(getitimer(ITIMER_VIRTUAL, &now));
  CHECK_EQ(now.it_interval.tv_usec, 30000);
  CHECK_NEAR(now.it_value.tv_sec * 1000 + now.it_value.tv_usec / 1000, 50000, 2000);
  CHECK_OK(getitimer(ITIMER_PROF, &now));
  CHECK_EQ(now.it_interval.tv_usec, 40000);
  CHECK_NEAR(now.it_value.tv_sec * 1000 + now.it_value.tv_usec / 1000, 50000, 2000);
  CHECK_EQ(virtual_ticks + prof_ticks, 0);
  timer = (struct itimerval){.it_value = {0, 30000}, .it_interval = {0, 30000}};
  CHECK_OK(setitimer(ITIMER_VIRTUAL, &timer, NULL));
  CHECK_OK(setitimer(ITIMER_PROF, &timer, NULL));
  STEP("about to fire");
  long long deadline = now_ms(CLOCK_MONOTONIC) + 30000;
  while (virtual_ticks < 3 || prof_ticks < 3)
    if (now_ms(CLOCK_MONOTONIC) > deadline) FAIL("only %d and %d ticks", virtual_ticks, prof_ticks);
  subject_done();
}
