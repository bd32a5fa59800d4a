// Threads that wait in accept, recv, connect to a listener with no room, send on a full connection,
// and recv with a time limit: none returns by the restore, each ends as it should.
#include "subject_net.h"

enum { kAccept, kReceive, kConnect, kSend, kTimed, kCount };
enum { kMuch = 8 << 20 };
static char much[kMuch];
static const char* const kCalls[] = {"accept", "recvfrom", "connect", "sendto", "recvfrom"};

struct state {
  int listener, crowded, first, receiving[2], sending[2], timed[2];
  struct thread threads[kCount];
  atomic_int returned;
};

static void* accepts(void* arg) {
  struct state* state = arg;
  RECEIVE(accepted_socket(state->listener), "hello");
  ++state->returned;
  return NULL;
}
static void* receives(void* arg) {
  struct state* state = arg;
  RECEIVE(state->receiving[0], "at last");
  ++state->returned;
  return NULL;
}
static void* connects(void* arg) {
  struct state* state = arg;
  int fd = connected_socket(SOCK_STREAM, name_of(state->crowded));
  ++state->returned;
  send_text(fd, "no more crowd");
  return NULL;
}
static void* sends(void* arg) {
  struct state* state = arg;
  CHECK_EQ(send(state->sending[0], much, kMuch, 0), kMuch);
  ++state->returned;
  return NULL;
}
static void* times_out(void* arg) {
  struct state* state = arg;
  char byte;
  long long begin = now_ms(CLOCK_MONOTONIC);
  CHECK_ERRNO(recv(state->timed[0], &byte, 1, 0), EAGAIN);
  CHECK_NEAR(now_ms(CLOCK_MONOTONIC) - begin, timeout_ms(), kToleranceMs);
  return NULL;
}
static void* (*const kBodies[])(void*) = {accepts, receives, connects, sends, times_out};

static void set_up(struct state* state, int family) {
  state->listener = listening_socket(SOCK_STREAM, loopback_name(family, 0), 1);
  state->crowded = listening_socket(SOCK_STREAM, loopback_name(family, 0), 0);
  state->first = connected_socket(SOCK_STREAM, name_of(state->crowded));
  wait_until(tcp_info_of(state->crowded).tcpi_unacked == 1);
  tcp_pair(family, state->receiving);
  tcp_pair(family, state->sending);
  tcp_pair(family, state->timed);
  set_timeout(state->timed[0], SO_RCVTIMEO, timeout_ms());
  set_option(state->sending[0], SOL_SOCKET, SO_SNDBUF, 100000);
  for (int i = 0; i < kCount; ++i) {
    thread_start(&state->threads[i], kBodies[i], state);
    wait_until_blocked(getpid(), state->threads[i].tid, kCalls[i]);
  }
}

static void check(struct state* state) {
  CHECK_EQ(state->returned, 0);
  for (int i = 0; i < kTimed; ++i) wait_until_blocked(getpid(), state->threads[i].tid, kCalls[i]);
  send_text(connected_socket(SOCK_STREAM, name_of(state->listener)), "hello");
  thread_join(&state->threads[kAccept]);
  send_text(state->receiving[1], "at last");
  thread_join(&state->threads[kReceive]);
  CONVERSE(state->first, accepted_socket(state->crowded));
  drain_stream(state->sending[1], kMuch, 3);
  thread_join(&state->threads[kSend]);
  CONVERSE(state->sending[0], state->sending[1]);
  thread_join(&state->threads[kConnect]);
  RECEIVE(accepted_socket(state->crowded), "no more crowd");
  thread_join(&state->threads[kTimed]);
  CHECK_EQ(state->returned, 4);
}

int main(void) {
  static struct state states[2];
  fill_pattern(much, kMuch, 3);
  for (int i = 0; i < 2; ++i) set_up(&states[i], family_of(i));
  STEP("blocked");
  for (int i = 0; i < 2; ++i) check(&states[i]);
  subject_done();
}
