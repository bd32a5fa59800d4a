// Connected UDP sockets: they take only from their peer, keep what had come from others before, and
// one whose peer is gone is told so.
#include "subject_net.h"

struct state {
  int fd, peer, other, refused, left;
  struct name names[5];
};

static void set_up(struct state* s, int family) {
  struct name any_port = loopback_name(family, 0);
  s->fd = bound_socket(SOCK_DGRAM, any_port);
  s->peer = bound_socket(SOCK_DGRAM, any_port);
  s->other = bound_socket(SOCK_DGRAM, any_port);
  int freed = bound_socket(SOCK_DGRAM, any_port);
  struct name left = name_of(freed);
  CHECK_OK(close(freed));
  s->left = bound_socket(SOCK_DGRAM, left);  // a port it asked for is kept when it disconnects
  struct name peer = name_of(s->peer);
  send_to(s->other, "before it was connected", name_of(s->fd));
  CHECK_OK(connect(s->fd, &peer.any, peer.size));
  send_to(s->other, "dropped", name_of(s->fd));
  send_to(s->peer, "from the peer", name_of(s->fd));
  send_text(s->fd, "to the peer");
  int gone = bound_socket(SOCK_DGRAM, any_port);
  s->refused = connected_socket(SOCK_DGRAM, name_of(gone));
  CHECK_OK(close(gone));
  send_text(s->refused, "to nobody");
  wait_until(poll_now(s->refused, POLLOUT) & POLLERR);
  CHECK_OK(connect(s->left, &peer.any, peer.size));
  CHECK_OK(connect(s->left, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr)));
  for (int i = 0; i < 5; ++i)
    s->names[i] = name_of((int[]){s->fd, s->peer, s->other, s->refused, s->left}[i]);
}

static void check(const struct state* s) {
  struct name name;
  for (int i = 0; i < 5; ++i)
    CHECK_NAME(name_of((int[]){s->fd, s->peer, s->other, s->refused, s->left}[i]), s->names[i]);
  CHECK_NAME(peer_name_of(s->fd), s->names[1]);
  CHECK_ERRNO(getpeername(s->peer, &name.any, &(socklen_t){sizeof name.un}), ENOTCONN);
  CHECK_ERRNO(getpeername(s->left, &name.any, &(socklen_t){sizeof name.un}), ENOTCONN);
  RECEIVE_FROM(s->fd, "before it was connected", s->names[2]);
  RECEIVE_FROM(s->fd, "from the peer", s->names[1]);
  CHECK_NOTHING(s->fd);
  RECEIVE_FROM(s->peer, "to the peer", s->names[0]);
  send_to(s->other, "dropped", s->names[0]);
  send_to(s->other, "taken", s->names[4]);
  RECEIVE_FROM(s->left, "taken", s->names[2]);
  CHECK_SEND_ERRNO(s->left, EDESTADDRREQ);
  CHECK_EQ(get_option(s->refused, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
  CHECK_EQ(get_option(s->refused, SOL_SOCKET, SO_ERROR), 0);
  send_text(s->fd, "later");
  RECEIVE_FROM(s->peer, "later", s->names[0]);
  CHECK_NOTHING(s->fd);
}

int main(void) {
  struct state states[2];
  for (int i = 0; i < 2; ++i) set_up(&states[i], family_of(i));
  STEP("connected");
  for (int i = 0; i < 2; ++i) check(&states[i]);
  subject_done();
}
