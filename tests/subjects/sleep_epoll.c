// epoll_wait with a timeout in progress: times out when it would have.
#include "subject.h"

#include <sys/epoll.h>

static void* body(void* arg) {
  long long begin = now_ms(CLOCK_MONOTONIC);
  long ms = timeout_ms();
  struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
  (void)ts;
  int fds[2], epoll = (int)CHECK_OK(epoll_create1(0));
  CHECK_OK(pipe(fds));
  struct epoll_event event = {.events = EPOLLIN};
  CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event));
  CHECK_EQ(epoll_wait(epoll, &event, 1, (int)ms), 0);
  CHECK_NEAR(now_ms(CLOCK_MONOTONIC) - begin, ms, kToleranceMs);
  return NULL;
}

int main(void) {
  struct thread thread;
  thread_start(&thread, body, NULL);
  wait_until_blocked(getpid(), thread.tid, "epoll_wait");
  nap_ms(timeout_ms() / 2);  // what is left must be told from the whole
  STEP("epoll_wait in progress");
  thread_join(&thread);
  subject_done();
}
