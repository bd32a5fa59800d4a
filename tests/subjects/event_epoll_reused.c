// An epoll entry whose number was closed and now names another file: the old entry lives, the
// number is free to add.
#include "subject.h"

#include <sys/epoll.h>

int main(void) {
  int watched[2], newer[2], epoll = (int)CHECK_OK(epoll_create1(0));
  CHECK_OK(pipe(watched));
  CHECK_OK(pipe(newer));
  CHECK_OK(dup2(watched[0], 100));
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = 1};
  CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, 100, &event));
  CHECK_OK(dup2(newer[0], 100));  // watched[0] keeps the old file open
  STEP("number reused");
  struct epoll_event events[4];
  CHECK_EQ(write(newer[1], "n", 1), 1);
  CHECK_EQ(epoll_wait(epoll, events, 4, 0), 0);
  CHECK_EQ(write(watched[1], "w", 1), 1);
  CHECK_EQ(epoll_wait(epoll, events, 4, 0), 1);
  CHECK_EQ(events[0].data.u64, 1);
  event.data.u64 = 2;
  CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, 100, &event));
  CHECK_EQ(epoll_wait(epoll, events, 4, 0), 2);
  subject_done();
}
