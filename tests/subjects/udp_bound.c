// UDP sockets with datagrams queued from several senders, one of them closed, one datagram empty
// and one big: order, boundaries, and where they came from; one socket takes IPv4 and IPv6.
#include "subject_net.h"

enum { kBig = 60000 };
static char big[kBig], now[kBig + 1];

struct state {
  int receiver, sender;
  struct name at, sender_name, gone_name;
};

static void set_up(struct state* state, int family) {
  state->receiver = bound_socket(SOCK_DGRAM, loopback_name(family, 0));
  set_option(state->receiver, SOL_SOCKET, SO_RCVBUF, 1 << 20);
  state->at = name_of(state->receiver);
  state->sender = bound_socket(SOCK_DGRAM, loopback_name(family, 0));
  state->sender_name = name_of(state->sender);
  int gone = bound_socket(SOCK_DGRAM, loopback_name(family, 0));
  state->gone_name = name_of(gone);
  send_to(state->sender, "first", state->at);
  send_to(gone, "from one who is gone", state->at);
  send_to(state->sender, "", state->at);
  CHECK_EQ(sendto(state->sender, big, kBig, 0, &state->at.any, state->at.size), kBig);
  send_to(gone, "last", state->at);
  CHECK_OK(close(gone));
  wait_until(poll_now(state->receiver, POLLIN) == POLLIN);
}

static void check(const struct state* state, int family) {
  CHECK_NAME(name_of(state->receiver), state->at);
  CHECK_NAME(name_of(state->sender), state->sender_name);
  CHECK_EQ(unread_bytes(state->receiver), 5);
  RECEIVE_FROM(state->receiver, "first", state->sender_name);
  RECEIVE_FROM(state->receiver, "from one who is gone", state->gone_name);
  RECEIVE_FROM(state->receiver, "", state->sender_name);
  CHECK_EQ(recv(state->receiver, now, sizeof now, 0), kBig);
  CHECK_MEM(now, big, kBig);
  RECEIVE_FROM(state->receiver, "last", state->gone_name);
  CHECK_NOTHING(state->receiver);
  send_to(state->receiver, "answer", state->sender_name);
  RECEIVE_FROM(state->sender, "answer", state->at);
  int other = new_socket(family, SOCK_DGRAM);
  CHECK_ERRNO(bind(other, &state->at.any, state->at.size), EADDRINUSE);
  CHECK_OK(bind(other, &state->gone_name.any, state->gone_name.size));
}

int main(void) {
  struct state states[2];
  struct name any = loopback_name(AF_INET6, 0), from4 = loopback_name(AF_INET6, 0);
  fill_pattern(big, kBig, 4);
  for (int i = 0; i < 2; ++i) set_up(&states[i], family_of(i));
  any.in6.sin6_addr = (struct in6_addr)IN6ADDR_ANY_INIT;
  int both = bound_socket(SOCK_DGRAM, any), port = port_of(both);
  send_to(states[0].sender, "over IPv4", loopback_name(AF_INET, port));
  send_to(states[1].sender, "over IPv6", loopback_name(AF_INET6, port));
  STEP("queued");
  for (int i = 0; i < 2; ++i) check(&states[i], family_of(i));
  CHECK_EQ(inet_pton(AF_INET6, "::ffff:127.0.0.1", &from4.in6.sin6_addr), 1);
  from4.in6.sin6_port = states[0].sender_name.in.sin_port;
  CHECK_EQ(port_of(both), port);
  RECEIVE_FROM(both, "over IPv4", from4);
  RECEIVE_FROM(both, "over IPv6", states[1].sender_name);
  send_to(both, "answer", from4);
  RECEIVE_MESSAGE(states[0].sender, "answer");
  subject_done();
}
