// UNIX sockets in an epoll set, level and edge triggered: a pair, a listener, one that has hung up,
// datagrams; what was told is told again or not, what is new is told, waits in progress go on.
#include "subject_net.h"

#include <sys/epoll.h>

enum { kLevel, kEdge, kWritable, kHungUp, kListener, kDatagram, kQuiet, kCount };
static int epoll;

static void add(int fd, int which, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = which};
  CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

static unsigned ready(uint32_t events[kCount]) {
  struct epoll_event got[kCount];
  unsigned set = 0;
  for (int i = 0, n = (int)CHECK_OK(epoll_wait(epoll, got, kCount, 0)); i < n; ++i) {
    set |= 1u << got[i].data.fd;
    events[got[i].data.fd] = got[i].events;
  }
  return set;
}

static void* waits(void* fd) {
  struct epoll_event event;
  CHECK_EQ(epoll_wait(*(int*)fd, &event, 1, -1), 1);
  CHECK_EQ(event.events, EPOLLIN);
  return NULL;
}

int main(void) {
  const unsigned level = 1u << kLevel | 1u << kHungUp | 1u << kListener | 1u << kDatagram;
  struct name at = abstract_name("epoll");
  uint32_t events[kCount] = {0};
  struct thread waiter;
  int fds[kCount][2], other;
  for (int i = 0; i < kCount; ++i)
    CHECK_OK(socketpair(AF_UNIX, i == kDatagram ? SOCK_DGRAM : SOCK_STREAM, 0, fds[i]));
  CHECK_OK(dup2(listening_socket(SOCK_STREAM, at, 5), fds[kListener][0]));
  int client = connected_socket(SOCK_STREAM, at);
  CHECK_OK(epoll = epoll_create1(0));
  CHECK_OK(other = epoll_create1(0));
  for (int i = 0; i < kCount; ++i) {
    bool edge = i == kEdge || i == kWritable;
    add(fds[i][0], i, (edge ? EPOLLET : 0) | (i == kWritable ? EPOLLOUT : EPOLLIN | EPOLLRDHUP));
  }
  CHECK_OK(epoll_ctl(other, EPOLL_CTL_ADD, fds[kQuiet][0], &(struct epoll_event){EPOLLIN, {0}}));
  send_text(fds[kLevel][1], "level");
  send_text(fds[kEdge][1], "edge");
  send_text(fds[kDatagram][1], "datagram");
  CHECK_OK(close(fds[kHungUp][1]));
  CHECK_EQ(ready(events), level | 1u << kEdge | 1u << kWritable);
  thread_start(&waiter, waits, &other);
  wait_until_blocked(getpid(), waiter.tid, "any");
  STEP("edges told");
  CHECK_EQ(ready(events), level);
  CHECK_EQ(events[kHungUp], EPOLLIN | EPOLLHUP | EPOLLRDHUP);
  CHECK_EQ(events[kLevel], EPOLLIN);
  wait_until_blocked(getpid(), waiter.tid, "any");
  send_text(fds[kEdge][1], " again");
  STEP("a new edge");
  CHECK_EQ(ready(events), level | 1u << kEdge);
  CHECK_EQ(ready(events), level);
  send_text(fds[kQuiet][1], "q");
  thread_join(&waiter);
  CHECK_EQ(ready(events), level | 1u << kQuiet);
  RECEIVE(fds[kQuiet][0], "q");
  RECEIVE(fds[kLevel][0], "level");
  RECEIVE(fds[kEdge][0], "edge again");
  RECEIVE_MESSAGE(fds[kDatagram][0], "datagram");
  CONVERSE(client, accepted_socket(fds[kListener][0]));
  CHECK_EQ(ready(events), 1u << kHungUp);
  subject_done();
}
