// Listening TCP sockets: names, backlogs, options, IPv6 alone and together with IPv4; they accept
// after, and their ports are taken.
#include "subject_net.h"

static struct name any_name(int family, int port) {
  struct name name = loopback_name(family, port);
  if (family == AF_INET) name.in.sin_addr.s_addr = htonl(INADDR_ANY);
  if (family == AF_INET6) name.in6.sin6_addr = (struct in6_addr)IN6ADDR_ANY_INIT;
  return name;
}

static int listen_anywhere(int family, int port, int only6) {
  struct name name = any_name(family, port);
  int fd = new_socket(family, SOCK_STREAM | SOCK_NONBLOCK);
  if (family == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, only6);
  CHECK_OK(bind(fd, &name.any, name.size));
  CHECK_OK(listen(fd, 5));
  return fd;
}

static void check_accepts(int listener, struct name at) {
  int client = connected_socket(SOCK_STREAM, at);
  CHECK_OK(poll(&(struct pollfd){listener, POLLIN, 0}, 1, 10000));
  int server = accepted_socket(listener);
  CHECK_EQ(port_of(server), port_of(listener));
  CHECK_EQ(fcntl(server, F_GETFL), O_RDWR);
  CONVERSE(client, server);
}

int main(void) {
  int local[2], anywhere[2];
  struct name names[2], taken;
  for (int i = 0; i < 2; ++i) {
    local[i] = new_socket(family_of(i), SOCK_STREAM | SOCK_CLOEXEC);
    names[i] = loopback_name(family_of(i), 0);
    if (i == 1) set_option(local[i], SOL_SOCKET, SO_REUSEADDR, 1);
    CHECK_OK(bind(local[i], &names[i].any, names[i].size));
    CHECK_OK(listen(local[i], 7 + i));
    names[i] = name_of(local[i]);
  }
  anywhere[1] = listen_anywhere(AF_INET6, 0, 1);
  const int port = port_of(anywhere[1]);
  anywhere[0] = listen_anywhere(AF_INET, port, 0);  // the same port, the other protocol
  const int dual = listen_anywhere(AF_INET6, 0, 0), dual_port = port_of(dual);
  STEP("listening");
  CHECK_EQ(get_option(anywhere[1], IPPROTO_IPV6, IPV6_V6ONLY), 1);
  CHECK_EQ(get_option(dual, IPPROTO_IPV6, IPV6_V6ONLY), 0);
  for (int i = 0; i < 2; ++i) {
    struct tcp_info info = tcp_info_of(local[i]);
    CHECK_EQ(info.tcpi_state, TCP_LISTEN);
    CHECK_EQ(info.tcpi_sacked, 7 + i);  // of a listener: how many may wait
    CHECK_EQ(info.tcpi_unacked, 0);     // and how many do
    CHECK_NAME(name_of(local[i]), names[i]);
    CHECK_NAME(name_of(anywhere[i]), any_name(family_of(i), port));
    CHECK_EQ(get_option(local[i], SOL_SOCKET, SO_REUSEADDR), i);
    CHECK_EQ(get_option(local[i], SOL_SOCKET, SO_ACCEPTCONN), 1);
    CHECK_EQ(fcntl(local[i], F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(anywhere[i], F_GETFL), O_RDWR | O_NONBLOCK);
    CHECK_ERRNO(accept(anywhere[i], NULL, NULL), EAGAIN);
    CHECK_ERRNO(getpeername(local[i], &taken.any, &(socklen_t){sizeof taken.un}), ENOTCONN);
    CHECK_ERRNO(bind(new_socket(family_of(i), SOCK_STREAM), &names[i].any, names[i].size),
                EADDRINUSE);
    taken = any_name(family_of(i), dual_port);
    CHECK_ERRNO(bind(new_socket(family_of(i), SOCK_STREAM), &taken.any, taken.size), EADDRINUSE);
    check_accepts(local[i], names[i]);
    check_accepts(anywhere[i], loopback_name(family_of(i), port));
    check_accepts(dual, loopback_name(family_of(i), dual_port));
  }
  CHECK_OK(listen(local[0], 3));
  CHECK_EQ(tcp_info_of(local[0]).tcpi_sacked, 3);
  subject_done();
}
