// Connections that wait with as much as they take, and more behind it at their clients; one has
// closed with everything on its way arrived; more wait than the listener has promised since.
#include "subject_net.h"

enum { kCount = 3, kSmall = 40000 };

struct state {
  int listener, clients[kCount];
  size_t sizes[kCount];
};

static void set_up(struct state* state, int family) {
  state->listener = listening_socket(SOCK_STREAM, loopback_name(family, 0), kCount);
  for (int i = 0; i < kCount; ++i) {
    state->clients[i] = connected_socket(SOCK_STREAM, name_of(state->listener));
    if (i == 2) break;
    size_t more = 1;
    for (; more > 0;
         state->sizes[i] += more = fill_stream_from(state->clients[i], state->sizes[i], i))
      ;
  }
  for (int i = 0; i < kSmall / 10; ++i) send_text(state->clients[2], "0123456789");
  wait_until(tcp_info_of(state->clients[2]).tcpi_unacked == 0);
  CHECK_OK(close(state->clients[2]));
  CHECK_OK(listen(state->listener, 1));
}

static void check(struct state* state) {
  CHECK_EQ(tcp_info_of(state->listener).tcpi_unacked, kCount);
  CHECK_EQ(tcp_info_of(state->listener).tcpi_sacked, 1);
  for (int i = 0; i < 2; ++i) {
    int server = accepted_socket(state->listener);
    drain_stream(server, state->sizes[i], i);
    CONVERSE(state->clients[i], server);
  }
  int server = accepted_socket(state->listener);
  for (int i = 0; i < kSmall / 10; ++i) RECEIVE(server, "0123456789");
  CHECK_END(server);
}

int main(void) {
  static struct state states[2];
  for (int i = 0; i < 2; ++i) set_up(&states[i], family_of(i));
  STEP("full");
  for (int i = 0; i < 2; ++i) check(&states[i]);
  subject_done();
}
