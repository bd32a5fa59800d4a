// An epoll inside an epoll inside an epoll: readiness comes through, and so does a wait in
// progress.
#include "subject.h"

#include <sys/epoll.h>

static int outer;
static void* waiter(void* arg) {
  struct epoll_event event;
  CHECK_EQ(epoll_wait(outer, &event, 1, -1), 1);
  return event.data.ptr;
}

int main(void) {
  int fds[2], inner = (int)CHECK_OK(epoll_create1(0)), middle = (int)CHECK_OK(epoll_create1(0));
  outer = (int)CHECK_OK(epoll_create1(0));
  CHECK_OK(pipe(fds));
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = 1};
  CHECK_OK(epoll_ctl(inner, EPOLL_CTL_ADD, fds[0], &event));
  event.data.u64 = 2;
  CHECK_OK(epoll_ctl(middle, EPOLL_CTL_ADD, inner, &event));
  event.data.u64 = 3;
  CHECK_OK(epoll_ctl(outer, EPOLL_CTL_ADD, middle, &event));
  struct thread thread;
  thread_start(&thread, waiter, NULL);
  wait_until_blocked(getpid(), thread.tid, "epoll_wait");
  STEP("nested, waiting");
  wait_until_blocked(getpid(), thread.tid, "epoll_wait");
  CHECK_EQ(write(fds[1], "x", 1), 1);
  CHECK_EQ(thread_join(&thread), (void*)3);
  STEP("nested, ready");
  CHECK_EQ(epoll_wait(middle, &event, 1, 0), 1);
  CHECK_EQ(event.data.u64, 2);
  CHECK_EQ(epoll_wait(inner, &event, 1, 0), 1);
  CHECK_EQ(event.data.u64, 1);
  CHECK_ERRNO(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &event), ELOOP);
  subject_done();
}
