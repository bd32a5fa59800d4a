// POSIX timers that notify by process signal, by signal to one thread, or not at all; each fires
// after the restore.
#include "subject.h"

enum { kSignal = 40, kThreadSignal = 41 };
static atomic_int ready;

static void* body(void* arg) {
  sigset_t set;
  siginfo_t info;
  sigemptyset(&set);
  sigaddset(&set, kThreadSignal);
  ready = 1;
  CHECK_EQ(sigwaitinfo(&set, &info), kThreadSignal);
  CHECK_EQ(info.si_code, SI_TIMER);
  CHECK_EQ(info.si_value.sival_int, 2);
  return NULL;
}

static timer_t make(int notify, int signo, pid_t tid, int value) {
  struct sigevent event = {.sigev_notify = notify, .sigev_signo = signo};
  event.sigev_value.sival_int = value;
  event._sigev_un._tid = tid;
  timer_t timer;
  CHECK_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
  return timer;
}

int main(void) {
  sigset_t set;
  siginfo_t info;
  sigemptyset(&set);
  sigaddset(&set, kSignal);
  sigaddset(&set, kThreadSignal);
  CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
  struct thread thread;
  thread_start(&thread, body, NULL);
  wait_until_flag(&ready, 1);
  timer_t by_signal = make(SIGEV_SIGNAL, kSignal, 0, 1);
  timer_t by_thread = make(SIGEV_THREAD_ID, kThreadSignal, thread.tid, 2);
  timer_t silent = make(SIGEV_NONE, 0, 0, 3);
  struct itimerspec spec = {.it_value = {timeout_ms() / 1000, timeout_ms() % 1000 * 1000000}}, now;
  long long begin = now_ms(CLOCK_MONOTONIC);
  CHECK_OK(timer_settime(by_signal, 0, &spec, NULL));
  CHECK_OK(timer_settime(by_thread, 0, &spec, NULL));
  CHECK_OK(timer_settime(silent, 0, &spec, NULL));
  STEP("three ways to notify");
  CHECK_EQ(sigwaitinfo(&(sigset_t){{1ul << (kSignal - 1)}}, &info), kSignal);
  CHECK_EQ(info.si_code, SI_TIMER);
  CHECK_EQ(info.si_value.sival_int, 1);
  CHECK_NEAR(now_ms(CLOCK_MONOTONIC) - begin, timeout_ms(), kToleranceMs);
  thread_join(&thread);
  CHECK_NEAR(now_ms(CLOCK_MONOTONIC) - begin, timeout_ms(), kToleranceMs);
  nap_ms(1);
  CHECK_OK(timer_gettime(silent, &now));
  CHECK_EQ(now.it_value.tv_sec + now.it_value.tv_nsec, 0);
  subject_done();
}
