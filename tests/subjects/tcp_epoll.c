// TCP sockets in an epoll set, level and edge triggered: connections with data and without, full
// ones, a listener, one half closed; a wait in progress.
#include "subject_net.h"

#include <sys/epoll.h>

enum { kLevel, kEdge, kWritable, kFull, kHalfClosed, kListener, kQuiet, kCount };

struct state {
  int set, other, fds[kCount][2], client;
  size_t size;
  struct thread waiter;
};

static unsigned ready(struct state* state) {
  struct epoll_event got[kCount];
  unsigned set = 0;
  for (int i = 0, n = (int)CHECK_OK(epoll_wait(state->set, got, kCount, 0)); i < n; ++i) {
    set |= 1u << got[i].data.fd;
    if (got[i].data.fd == kHalfClosed) CHECK_EQ(got[i].events, EPOLLIN | EPOLLRDHUP);
  }
  return set;
}

static void* waits(void* arg) {
  struct state* state = arg;
  struct epoll_event event;
  CHECK_EQ(epoll_wait(state->other, &event, 1, -1), 1);
  CHECK_EQ(event.events, EPOLLIN);
  return NULL;
}

static const unsigned kAlways = 1u << kLevel | 1u << kHalfClosed | 1u << kListener;

static void set_up(struct state* state, int family) {
  for (int i = 0; i < kCount; ++i)
    if (i != kListener) tcp_pair(family, state->fds[i]);
  state->fds[kListener][0] = listening_socket(SOCK_STREAM, loopback_name(family, 0), 5);
  state->client = connected_socket(SOCK_STREAM, name_of(state->fds[kListener][0]));
  CHECK_OK(state->set = epoll_create1(0));
  CHECK_OK(state->other = epoll_create1(0));
  send_text(state->fds[kLevel][1], "level");
  send_text(state->fds[kEdge][1], "edge");
  CHECK_OK(shutdown(state->fds[kHalfClosed][1], SHUT_WR));
  set_option(state->fds[kFull][0], SOL_SOCKET, SO_SNDBUF, 100000);
  for (size_t more = 1; more > 0;) {
    state->size += more = fill_stream_from(state->fds[kFull][0], state->size, 3);
    wait_until(tcp_info_of(state->fds[kFull][0]).tcpi_unacked == 0);  // makes room, maybe
  }
  for (int i = 0; i < kCount; ++i) {
    struct epoll_event event = {.data.fd = i, .events = EPOLLIN | EPOLLRDHUP};
    if (i == kWritable || i == kFull) event.events = EPOLLOUT;
    if (i == kEdge || i == kWritable) event.events |= EPOLLET;
    CHECK_OK(epoll_ctl(state->set, EPOLL_CTL_ADD, state->fds[i][0], &event));
  }
  struct epoll_event event = {.events = EPOLLIN};
  CHECK_OK(epoll_ctl(state->other, EPOLL_CTL_ADD, state->fds[kQuiet][0], &event));
  unsigned seen = 0;
  wait_until((seen |= ready(state)) == (kAlways | 1u << kEdge | 1u << kWritable));
  thread_start(&state->waiter, waits, state);
  wait_until_blocked(getpid(), state->waiter.tid, "any");
}

static void check(struct state* state) {
  CHECK_EQ(ready(state), kAlways);  // the edges were told before
  wait_until_blocked(getpid(), state->waiter.tid, "any");
  send_text(state->fds[kEdge][1], " again");
  wait_until(ready(state) == (kAlways | 1u << kEdge));
  CHECK_EQ(ready(state), kAlways);
  drain_stream(state->fds[kFull][1], state->size, 3);
  wait_until(ready(state) == (kAlways | 1u << kFull));
  send_text(state->fds[kQuiet][1], "q");
  thread_join(&state->waiter);
  RECEIVE(state->fds[kQuiet][0], "q");
  RECEIVE(state->fds[kLevel][0], "level");
  RECEIVE(state->fds[kEdge][0], "edge again");
  CONVERSE(state->client, accepted_socket(state->fds[kListener][0]));
  CHECK_EQ(ready(state), 1u << kHalfClosed | 1u << kFull);
}

int main(void) {
  static struct state states[2];
  for (int i = 0; i < 2; ++i) set_up(&states[i], family_of(i));
  STEP("edges told");
  for (int i = 0; i < 2; ++i) check(&states[i]);
  subject_done();
}
