// An edge already reported is not reported again by the restore alone (strict edge triggering); a
// new one is, and so is what had not been reported. A one-shot entry that was used up stays silent
// although its file has hung up since.
#include "subject.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { kReadable, kWritable, kCounter, kOnce, kUnready, kCount };
static int epoll;

// All with the same data: entries are told apart by nothing but their files.
static void add(int set, int fd, uint32_t events) {
  struct epoll_event event = {.events = events, .data.u64 = 7};
  CHECK_OK(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
}

static int reports(int set) {
  struct epoll_event got[kCount];
  return (int)CHECK_OK(epoll_wait(set, got, kCount, 0));
}

int main(void) {
  int readable[2], writable[2], once[2], unready[2];
  CHECK_OK(pipe(readable));
  CHECK_OK(pipe(writable));
  CHECK_OK(pipe(once));
  CHECK_OK(pipe(unready));
  const int counter = (int)CHECK_OK(eventfd(1, EFD_NONBLOCK));
  epoll = (int)CHECK_OK(epoll_create1(0));
  const int other = (int)CHECK_OK(epoll_create1(0));
  add(epoll, readable[0], EPOLLIN | EPOLLET);
  add(epoll, writable[1], EPOLLOUT | EPOLLET);
  add(epoll, counter, EPOLLIN | EPOLLET);
  add(epoll, once[0], EPOLLIN | EPOLLONESHOT);
  add(epoll, unready[0], EPOLLIN | EPOLLET);
  add(other, readable[0], EPOLLIN | EPOLLET);
  CHECK_EQ(write(readable[1], "x", 1), 1);
  CHECK_EQ(write(once[1], "x", 1), 1);
  CHECK_EQ(reports(epoll), 4);
  CHECK_OK(close(once[1]));
  STEP("taken in one set, not in the other");
  CHECK_EQ(reports(epoll), 0);
  CHECK_EQ(reports(other), 1);
  STEP("taken in both");
  CHECK_EQ(reports(epoll), 0);
  CHECK_EQ(reports(other), 0);
  CHECK_EQ(write(readable[1], "y", 1), 1);
  CHECK_EQ(reports(epoll), 1);
  CHECK_EQ(reports(other), 1);
  CHECK_EQ(eventfd_write(counter, 1), 0);
  CHECK_EQ(write(unready[1], "y", 1), 1);
  STEP("new edges");
  CHECK(reports(epoll) >= 2);  // what else is ready may be told again with them
  CHECK_EQ(reports(epoll), 0);
  STEP("quiet again");
  CHECK_EQ(reports(epoll), 0);
  subject_done();
}
