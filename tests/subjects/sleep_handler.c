// A sleep that went on after a restore, then interrupted by a handler: EINTR, and what is left of
// it.
#include "subject.h"

static volatile sig_atomic_t handled;
static void handler(int signo) { handled = 1; }

static void* body(void* arg) {
  long ms = timeout_ms();
  struct timespec ts = {ms / 1000, ms % 1000 * 1000000}, left = {-1, -1};
  long long begin = now_ms(CLOCK_MONOTONIC);
  CHECK_ERRNO(syscall(SYS_nanosleep, &ts, &left), EINTR);
  long long slept = now_ms(CLOCK_MONOTONIC) - begin;
  CHECK(handled);
  CHECK_EQ(ts.tv_sec * 1000 + ts.tv_nsec / 1000000, ms);
  CHECK_NEAR(left.tv_sec * 1000 + left.tv_nsec / 1000000, ms - slept, kToleranceMs / 5);
  return NULL;
}

int main(void) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  CHECK_OK(sigaction(SIGUSR1, &action, NULL));
  struct thread thread;
  thread_start(&thread, body, NULL);
  wait_until_blocked(getpid(), thread.tid, "nanosleep");
  nap_ms(timeout_ms() / 3);
  STEP("nanosleep in progress");
  wait_until_blocked(getpid(), thread.tid, "any");
  CHECK_OK(tgkill(getpid(), thread.tid, SIGUSR1));
  thread_join(&thread);
  subject_done();
}
