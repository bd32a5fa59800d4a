// select with a timeout in progress: times out when it would have.
#include "subject.h"

#include <sys/select.h>

static void* body(void* arg) {
  long long begin = now_ms(CLOCK_MONOTONIC);
  long ms = timeout_ms();
  struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
  (void)ts;
  int fds[2];
  CHECK_OK(pipe(fds));
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fds[0], &set);
  struct timeval tv = {ms / 1000, ms % 1000 * 1000};
  CHECK_EQ(syscall(SYS_select, fds[0] + 1, &set, NULL, NULL, &tv), 0);
  CHECK(!FD_ISSET(fds[0], &set));
  CHECK_EQ(tv.tv_sec + tv.tv_usec, 0);
  CHECK_NEAR(now_ms(CLOCK_MONOTONIC) - begin, ms, kToleranceMs);
  return NULL;
}

int main(void) {
  struct thread thread;
  thread_start(&thread, body, NULL);
  wait_until_blocked(getpid(), thread.tid, "select");
  nap_ms(timeout_ms() / 2);  // what is left must be told from the whole
  STEP("select in progress");
  thread_join(&thread);
  subject_done();
}
