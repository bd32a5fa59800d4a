// A TCP listener with three connections waiting, none accepted: accepted in the order they came,
// with their clients' names; then it takes new ones.
#include "subject_net.h"

enum { kWaiting = 3, kBacklog = 4 };

struct state {
  int listener, clients[kWaiting];
  struct name names[kWaiting];
};

static void set_up(struct state* state, int family) {
  state->listener = listening_socket(SOCK_STREAM, loopback_name(family, 0), kBacklog);
  set_option(state->listener, IPPROTO_TCP, TCP_NODELAY, 1);  // those accepted inherit it
  for (int i = 0; i < kWaiting; ++i) {
    state->clients[i] = connected_socket(SOCK_STREAM, name_of(state->listener));
    state->names[i] = name_of(state->clients[i]);
  }
  wait_until(tcp_info_of(state->listener).tcpi_unacked == kWaiting);
}

static void check(struct state* state) {
  const struct tcp_info info = tcp_info_of(state->listener);
  const struct name at = name_of(state->listener);
  int servers[kWaiting];
  CHECK_EQ(info.tcpi_unacked, kWaiting);
  CHECK_EQ(info.tcpi_sacked, kBacklog);
  CHECK_EQ(poll_now(state->listener, POLLIN), POLLIN);
  for (int i = 0; i < kWaiting; ++i) {
    struct name from = {.size = sizeof from.un};
    CHECK_NAME(name_of(state->clients[i]), state->names[i]);
    CHECK_NAME(peer_name_of(state->clients[i]), at);
    CHECK_EQ(tcp_state_of(state->clients[i]), TCP_ESTABLISHED);
    servers[i] = (int)CHECK_OK(accept4(state->listener, &from.any, &from.size, SOCK_CLOEXEC));
    CHECK_NAME(from, state->names[i]);
    CHECK_NAME(name_of(servers[i]), at);
    CHECK_EQ(get_option(servers[i], IPPROTO_TCP, TCP_NODELAY), 1);
  }
  CHECK_EQ(tcp_info_of(state->listener).tcpi_unacked, 0);
  for (int i = 0; i < kWaiting; ++i) CONVERSE(servers[i], state->clients[i]);
  int client = connected_socket(SOCK_STREAM, at);
  CONVERSE(client, accepted_socket(state->listener));
  CHECK_OK(close(state->clients[0]));
  CHECK_END(servers[0]);
}

int main(void) {
  struct state states[2];
  for (int i = 0; i < 2; ++i) set_up(&states[i], family_of(i));
  STEP("waiting");
  for (int i = 0; i < 2; ++i) check(&states[i]);
  subject_done();
}
