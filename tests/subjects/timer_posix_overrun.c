// A blocked interval timer collects overruns, before the restore and after it.
#include "subject.h"

enum { kSignal = 42, kSlack = 3 };

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
  wait_until(now_ms(CLOCK_MONOTONIC) - begin > 150);
  STEP("overrunning");
  wait_until(now_ms(CLOCK_MONOTONIC) - begin > 300);
  const long long at_least = (now_ms(CLOCK_MONOTONIC) - begin) / 10;
  CHECK_EQ(sigwaitinfo(&set, &info), kSignal);
  const long long at_most = (now_ms(CLOCK_MONOTONIC) - begin) / 10;
  // Taking it apart and together again may cost a period's part at each end.
  CHECK(info.si_overrun + 1 >= at_least - kSlack && info.si_overrun + 1 <= at_most + kSlack);
  CHECK_EQ(info.si_code, SI_TIMER);
  CHECK_EQ(timer_getoverrun(timer), info.si_overrun);
  CHECK_EQ(sigwaitinfo(&set, &info), kSignal);
  CHECK_EQ(info.si_code, SI_TIMER);
  subject_done();
}
