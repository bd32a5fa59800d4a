// A pending signal of a POSIX timer keeps timer id, value and overrun, and the timer goes on.
#include "subject.h"

int main(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 6);
  CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 6};
  event.sigev_value.sival_int = 4242;
  timer_t timer;
  CHECK_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
  struct itimerspec once = {.it_value = {0, 1000000}};
  CHECK_OK(timer_settime(timer, 0, &once, NULL));
  sigset_t pending;
  do CHECK_OK(sigpending(&pending));
  while (!sigismember(&pending, SIGRTMIN + 6));
  STEP("timer signal pending");
  siginfo_t info;
  struct timespec none = {0};
  CHECK_EQ(sigtimedwait(&set, &info, &none), SIGRTMIN + 6);
  CHECK_EQ(info.si_code, SI_TIMER);
  CHECK_EQ(info.si_value.sival_int, 4242);
  CHECK_EQ(info.si_overrun, 0);
  CHECK_EQ(info.si_timerid, (int)(long)timer);
  CHECK_ERRNO(sigtimedwait(&set, &info, &none), EAGAIN);
  CHECK_OK(timer_settime(timer, 0, &once, NULL));
  CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN + 6);
  CHECK_EQ(info.si_value.sival_int, 4242);
  subject_done();
}
