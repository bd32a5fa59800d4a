// poll with a timeout in progress: times out when it would have.
#include "subject.h"

#include <poll.h>

static void* body(void* arg) {
  long long begin = now_ms(CLOCK_MONOTONIC);
  long ms = timeout_ms();
  struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
  (void)ts;
  int fds[2];
  CHECK_OK(pipe(fds));
  struct pollfd poll_fd = {.fd = fds[0], .events = POLLIN};
  CHECK_EQ(syscall(SYS_poll, &poll_fd, 1, ms), 0);
  CHECK_NEAR(now_ms(CLOCK_MONOTONIC) - begin, ms, kToleranceMs);
  return NULL;
}

int main(void) {
  struct thread thread;
  thread_start(&thread, body, NULL);
  wait_until_blocked(getpid(), thread.tid, "poll");
  nap_ms(timeout_ms() / 2);  // what is left must be told from the whole
  STEP("poll in progress");
  thread_join(&thread);
  subject_done();
}
