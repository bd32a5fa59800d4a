// A blocked interval timer collects overruns, before the restore and after it.
#include "subject.h"

enum { kSignal = 42 };

int main(void) {
  sigset_t set;
  siginfo_t info;
  sigemptyset(&set);
  sigaddset(&set, kSignal);
  CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = kSignal};
  timer_t timer;
  CHECK_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
  struct itimerspec spec = {.it_value = {0, 10000000}, .it_interval = {0, 10000000}};
  long long begin = now_ms(CLOCK_MONOTONIC);
  CHECK_OK(timer_settime(timer, 0, &spec, NULL));
  STEP("overrunning");
  wait_until(now_ms(CLOCK_MONOTONIC) - begin > 300);
  CHECK_EQ(sigwaitinfo(&set, &info), kSignal);
  long long due = (now_ms(CLOCK_MONOTONIC) - begin) / 10;
  CHECK_NEAR(info.si_overrun + 1, due, 10 + due / 2);
  CHECK_EQ(timer_getoverrun(timer), info.si_overrun);
  CHECK_EQ(sigwaitinfo(&set, &info), kSignal);
  CHECK_EQ(info.si_code, SI_TIMER);
  subject_done();
}
