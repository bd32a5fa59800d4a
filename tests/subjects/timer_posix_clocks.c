// POSIX timers on realtime, monotonic, boottime, process and thread cpu clocks; absolute and
// relative.
#include "subject.h"

enum { kFirst = 45 };
static const clockid_t kClocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
                                    CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
enum { kCount = sizeof kClocks / sizeof kClocks[0] };

int main(void) {
  timer_t relative[kCount], absolute[kCount];
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < kCount; ++i) sigaddset(&set, kFirst + i);
  CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
  for (int i = 0; i < kCount; ++i) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = kFirst + i};
    CHECK_OK(timer_create(kClocks[i], &event, &relative[i]));
    CHECK_OK(timer_create(kClocks[i], &event, &absolute[i]));
    struct itimerspec spec = {.it_value = {1000, 0}, .it_interval = {5, 0}};
    CHECK_OK(timer_settime(relative[i], 0, &spec, NULL));
    clock_gettime(kClocks[i], &spec.it_value);
    spec.it_value.tv_sec += 2000;
    CHECK_OK(timer_settime(absolute[i], TIMER_ABSTIME, &spec, NULL));
  }
  STEP("armed");
  for (int i = 0; i < kCount; ++i) {
    struct itimerspec now;
    CHECK_OK(timer_gettime(relative[i], &now));
    CHECK_NEAR(now.it_value.tv_sec, 990, 11);
    CHECK_EQ(now.it_interval.tv_sec, 5);
    CHECK_OK(timer_gettime(absolute[i], &now));
    CHECK_NEAR(now.it_value.tv_sec, 1990, 11);
    struct itimerspec soon = {.it_value = {0, 50000000}};
    CHECK_OK(timer_settime(relative[i], 0, &soon, NULL));
  }
  STEP("about to fire");
  long long deadline = now_ms(CLOCK_MONOTONIC) + 30000;
  struct timespec none = {0};
  for (int left = kCount; left > 0;) {  // burns cpu, for the cpu clocks
    siginfo_t info;
    if (sigtimedwait(&set, &info, &none) > 0) {
      CHECK_EQ(info.si_code, SI_TIMER);
      --left;
    }
    if (now_ms(CLOCK_MONOTONIC) > deadline) FAIL("%d timers never fired", left);
  }
  subject_done();
}
