// A connection being made to a listener that has no room yet: neither made nor refused by the
// restore, and made once there is room.
#include "subject_net.h"

struct state {
  int listener, first, second;
  struct name name;
};

static void set_up(struct state* state, int family) {
  state->listener = listening_socket(SOCK_STREAM, loopback_name(family, 0), 0);
  struct name at = name_of(state->listener);
  state->first = connected_socket(SOCK_STREAM, at);
  wait_until(tcp_info_of(state->listener).tcpi_unacked == 1);
  state->second = new_socket(family, SOCK_STREAM | SOCK_NONBLOCK);
  CHECK_ERRNO(connect(state->second, &at.any, at.size), EINPROGRESS);
  state->name = name_of(state->second);
}

static void check(struct state* state) {
  struct name at = name_of(state->listener);
  int fd = state->second;
  CHECK_EQ(tcp_state_of(fd), TCP_SYN_SENT);
  CHECK_EQ(poll_now(fd, POLLIN | POLLOUT), 0);
  CHECK_NAME(name_of(fd), state->name);
  CHECK_ERRNO(getpeername(fd, &at.any, &(socklen_t){sizeof at.un}), ENOTCONN);
  CHECK_ERRNO(connect(fd, &at.any, at.size), EALREADY);
  CHECK_SEND_ERRNO(fd, EAGAIN);
  CONVERSE(state->first, accepted_socket(state->listener));
  CHECK_EQ(poll(&(struct pollfd){fd, POLLOUT, 0}, 1, 40000), 1);
  CHECK_EQ(get_option(fd, SOL_SOCKET, SO_ERROR), 0);
  CHECK_EQ(tcp_state_of(fd), TCP_ESTABLISHED);
  CHECK_NAME(name_of(fd), state->name);
  CHECK_OK(fcntl(fd, F_SETFL, 0));
  int server = accepted_socket(state->listener);
  CHECK_NAME(peer_name_of(server), state->name);
  CONVERSE(fd, server);
}

int main(void) {
  struct state states[2];
  for (int i = 0; i < 2; ++i) set_up(&states[i], family_of(i));
  STEP("on its way");
  for (int i = 0; i < 2; ++i) check(&states[i]);
  subject_done();
}
