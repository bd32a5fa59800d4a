// An epoll entry whose descriptor was closed while a dup keeps the file open: it still reports,
// with its old data.
#include "subject.h"

#include <sys/epoll.h>

int main(void) {
  int fds[2], epoll = (int)CHECK_OK(epoll_create1(0));
  CHECK_OK(pipe(fds));
  int copy = (int)CHECK_OK(dup(fds[0]));
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = 10};
  CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event));
  event.data.u64 = 20;
  CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, copy, &event));  // the same file under another number
  CHECK_OK(close(fds[0]));
  STEP("one closed");
  struct epoll_event events[4];
  CHECK_EQ(epoll_wait(epoll, events, 4, 0), 0);
  CHECK_EQ(write(fds[1], "x", 1), 1);
  CHECK_EQ(epoll_wait(epoll, events, 4, 0), 2);
  CHECK_EQ(events[0].data.u64 + events[1].data.u64, 30);
  CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_MOD, fds[0], &event), EBADF);
  CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_DEL, copy, NULL));
  CHECK_EQ(epoll_wait(epoll, events, 4, 0), 1);
  CHECK_EQ(events[0].data.u64, 10);
  subject_done();
}
