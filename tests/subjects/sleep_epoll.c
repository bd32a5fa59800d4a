// epoll_wait with a timeout in progress: times out when it would have; of a nice thread, too, which
// the kernel lets oversleep more.
#include "subject.h"

#include <sys/epoll.h>
#include <sys/resource.h>

static void* body(void* nice) {
  CHECK_OK(setpriority(PRIO_PROCESS, 0, *(int*)nice));  // of this thread alone
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

static void try(int nice, const char* step) {
  struct thread thread;
  thread_start(&thread, body, &nice);
  wait_until_blocked(getpid(), thread.tid, "epoll_wait");
  nap_ms(timeout_ms() / 2);  // what is left must be told from the whole
  STEP(step);
  thread_join(&thread);
}

int main(void) {
  try(0, "epoll_wait in progress");
  try(5, "epoll_wait of a nice thread in progress");
  subject_done();
}
