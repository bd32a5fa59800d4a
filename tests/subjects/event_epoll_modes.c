// epoll: level, edge and one-shot entries with their data, after events were and were not taken.
#include "subject.h"

#include <sys/epoll.h>

enum { kLevel, kEdge, kOnce, kQuiet, kWritable, kCount };
static int epoll, pipes[kCount][2];

static void add(int which, int fd, uint32_t events) {
  struct epoll_event event = {.events = events,
                              .data.u64 = 0x1122334455667700ull + (unsigned)which};
  CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

static unsigned ready(void) {  // a bit for each entry that is ready
  struct epoll_event events[16];
  int count = (int)CHECK_OK(epoll_wait(epoll, events, 16, 0));
  unsigned bits = 0;
  for (int i = 0; i < count; ++i) {
    CHECK_EQ(events[i].data.u64 >> 8, 0x11223344556677ull);
    bits |= 1u << (events[i].data.u64 & 0xff);
  }
  return bits;
}

int main(void) {
  epoll = (int)CHECK_OK(epoll_create1(EPOLL_CLOEXEC));
  for (int i = 0; i < kCount; ++i) CHECK_OK(pipe(pipes[i]));
  add(kLevel, pipes[kLevel][0], EPOLLIN);
  add(kEdge, pipes[kEdge][0], EPOLLIN | EPOLLET);
  add(kOnce, pipes[kOnce][0], EPOLLIN | EPOLLONESHOT);
  add(kQuiet, pipes[kQuiet][0], EPOLLIN);
  add(kWritable, pipes[kWritable][1], EPOLLOUT | EPOLLET | EPOLLRDHUP);
  for (int i = 0; i < kQuiet; ++i) CHECK_EQ(write(pipes[i][1], "x", 1), 1);
  unsigned all = 1u << kLevel | 1u << kEdge | 1u << kOnce | 1u << kWritable;
  STEP("nothing taken yet");
  CHECK_EQ(fcntl(epoll, F_GETFD), FD_CLOEXEC);
  CHECK_EQ(ready(), all);
  STEP("all taken once");
  // A restore may report an edge again (as a new registration would); it must not lose one.
  unsigned now = ready();
  CHECK_EQ(now & ~(1u << kEdge | 1u << kWritable), 1u << kLevel);
  CHECK_EQ(ready(), 1u << kLevel);
  CHECK_EQ(write(pipes[kEdge][1], "y", 1), 1);
  CHECK_EQ(write(pipes[kQuiet][1], "y", 1), 1);
  CHECK_EQ(ready(), 1u << kLevel | 1u << kEdge | 1u << kQuiet);
  struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT,
                              .data.u64 = 0x1122334455667700ull + kOnce};
  CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_MOD, pipes[kOnce][0], &event));
  CHECK_EQ(ready(), 1u << kLevel | 1u << kOnce | 1u << kQuiet);
  CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_DEL, pipes[kLevel][0], NULL));
  CHECK_EQ(ready(), 1u << kQuiet);
  CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[kEdge][0], &event), EEXIST);
  subject_done();
}
