// epoll_wait of a nice program, which the kernel lets oversleep more: times out when it would have.
#include "subject.h"

#include <sys/epoll.h>
#include <sys/resource.h>

static void* body(void* arg) {
  long long begin = now_ms(CLOCK_MONOTONIC);
  long ms = timeout_ms();
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
  CHECK_OK(setpriority(PRIO_PROCESS, 0, 5));
  thread_start(&thread, body, NULL);
  wait_until_blocked(getpid(), thread.tid, "epoll_wait");
  nap_ms(timeout_ms() / 2);  // what is left must be told from the whole
  STEP("epoll_wait in progress");
  thread_join(&thread);
  subject_done();
}
