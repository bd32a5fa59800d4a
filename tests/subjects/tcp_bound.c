// TCP sockets that are bound but neither listen nor connect, and fresh ones without a name: ports
// stay taken, options stay, and all can be used.
#include "subject_net.h"

struct sockets {
  int bound, reusing, fresh;
  struct name bound_name, reusing_name;
};

static void set_up(struct sockets* s, int family) {
  struct name any_port = loopback_name(family, 0);
  s->bound = bound_socket(SOCK_STREAM | SOCK_NONBLOCK, any_port);
  s->reusing = new_socket(family, SOCK_STREAM);
  set_option(s->reusing, SOL_SOCKET, SO_REUSEADDR, 1);
  CHECK_OK(bind(s->reusing, &any_port.any, any_port.size));
  s->fresh = new_socket(family, SOCK_STREAM | SOCK_CLOEXEC);
  set_option(s->fresh, IPPROTO_TCP, TCP_NODELAY, 1);
  CHECK_OK(setsockopt(s->fresh, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
  s->bound_name = name_of(s->bound);
  s->reusing_name = name_of(s->reusing);
}

static void check(struct sockets* s, int family) {
  char device[IFNAMSIZ] = "";
  socklen_t size = sizeof device;
  CHECK_NAME(name_of(s->bound), s->bound_name);
  CHECK_NAME(name_of(s->reusing), s->reusing_name);
  CHECK_EQ(port_of(s->fresh), 0);
  CHECK_EQ(tcp_state_of(s->bound), TCP_CLOSE);
  CHECK_EQ(tcp_state_of(s->fresh), TCP_CLOSE);
  CHECK_EQ(get_option(s->fresh, IPPROTO_TCP, TCP_NODELAY), 1);
  CHECK_OK(getsockopt(s->fresh, SOL_SOCKET, SO_BINDTODEVICE, device, &size));
  CHECK_STR(device, "lo");
  CHECK_EQ(fcntl(s->bound, F_GETFL), O_RDWR | O_NONBLOCK);
  CHECK_EQ(fcntl(s->fresh, F_GETFD), FD_CLOEXEC);
  CHECK_EQ(poll_now(s->bound, POLLIN | POLLOUT), POLLOUT | POLLHUP);
  CHECK_SEND_ERRNO(s->fresh, EPIPE);
  CHECK_ERRNO(accept(s->bound, NULL, NULL), EINVAL);
  CHECK_ERRNO(bind(s->bound, &s->bound_name.any, s->bound_name.size), EINVAL);
  int other = new_socket(family, SOCK_STREAM);
  CHECK_ERRNO(bind(other, &s->bound_name.any, s->bound_name.size), EADDRINUSE);
  CHECK_ERRNO(connect(other, &s->bound_name.any, s->bound_name.size), ECONNREFUSED);
  CHECK_OK(fcntl(s->bound, F_SETFL, 0));
  CHECK_OK(listen(s->bound, 5));
  CHECK_OK(connect(s->reusing, &s->bound_name.any, s->bound_name.size));
  CHECK_NAME(name_of(s->reusing), s->reusing_name);
  CONVERSE(s->reusing, accepted_socket(s->bound));
  CHECK_OK(connect(s->fresh, &s->bound_name.any, s->bound_name.size));
  CONVERSE(s->fresh, accepted_socket(s->bound));
}

int main(void) {
  struct sockets sockets[2];
  for (int i = 0; i < 2; ++i) set_up(&sockets[i], family_of(i));
  STEP("bound");
  for (int i = 0; i < 2; ++i) check(&sockets[i], family_of(i));
  subject_done();
}
