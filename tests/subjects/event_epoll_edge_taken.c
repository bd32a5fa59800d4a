// An edge already reported is not reported again by the restore alone (strict edge triggering).
#include "subject.h"

#include <sys/epoll.h>

int main(void) {
  int fds[2], epoll = (int)CHECK_OK(epoll_create1(0));
  CHECK_OK(pipe(fds));
  struct epoll_event event = {.events = EPOLLIN | EPOLLET}, got;
  CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event));
  CHECK_EQ(write(fds[1], "x", 1), 1);
  CHECK_EQ(epoll_wait(epoll, &got, 1, 0), 1);
  STEP("edge taken, data not");
  CHECK_EQ(epoll_wait(epoll, &got, 1, 0), 0);
  CHECK_EQ(write(fds[1], "y", 1), 1);
  CHECK_EQ(epoll_wait(epoll, &got, 1, 0), 1);
  subject_done();
}
