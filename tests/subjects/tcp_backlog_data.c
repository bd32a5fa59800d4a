// TCP connections that wait to be accepted while their clients have already sent, closed, shut down
// or reset them.
#include "subject_net.h"

enum { kBytes, kClosed, kHalfClosed, kReset, kSilent, kCount };

struct state {
  int listener, clients[kCount];
  struct name names[kCount];
};

static void set_up(struct state* state, int family) {
  state->listener = listening_socket(SOCK_STREAM, loopback_name(family, 0), kCount);
  for (int i = 0; i < kCount; ++i) {
    state->clients[i] = connected_socket(SOCK_STREAM, name_of(state->listener));
    state->names[i] = name_of(state->clients[i]);
    if (i != kSilent) send_text(state->clients[i], "sent early");
  }
  wait_until(tcp_info_of(state->listener).tcpi_unacked == kCount);
  struct linger none = {1, 0};
  CHECK_OK(setsockopt(state->clients[kReset], SOL_SOCKET, SO_LINGER, &none, sizeof none));
  CHECK_OK(close(state->clients[kReset]));
  CHECK_OK(close(state->clients[kClosed]));
  CHECK_OK(shutdown(state->clients[kHalfClosed], SHUT_WR));
  wait_until(tcp_state_of(state->clients[kHalfClosed]) == TCP_FIN_WAIT2);
}

static void check(struct state* state) {
  int servers[kCount];
  char byte;
  CHECK_EQ(tcp_info_of(state->listener).tcpi_unacked, kCount);
  for (int i = 0; i < kCount; ++i) {
    struct name from = {.size = sizeof from.un};
    servers[i] = (int)CHECK_OK(accept(state->listener, &from.any, &from.size));
    if (i != kReset) CHECK_NAME(from, state->names[i]);
    if (i != kSilent) RECEIVE(servers[i], "sent early");
  }
  CHECK_END(servers[kClosed]);
  CHECK_END(servers[kHalfClosed]);
  CHECK_ERRNO(recv(servers[kReset], &byte, 1, 0), ECONNRESET);
  CHECK_END(servers[kReset]);
  CHECK_NOTHING(servers[kBytes]);
  CHECK_NOTHING(servers[kSilent]);
  send_text(servers[kHalfClosed], "the other way");
  RECEIVE(state->clients[kHalfClosed], "the other way");
  CONVERSE(state->clients[kBytes], servers[kBytes]);
  CONVERSE(state->clients[kSilent], servers[kSilent]);
}

int main(void) {
  struct state states[2];
  for (int i = 0; i < 2; ++i) set_up(&states[i], family_of(i));
  STEP("waiting with data");
  for (int i = 0; i < 2; ++i) check(&states[i]);
  subject_done();
}
