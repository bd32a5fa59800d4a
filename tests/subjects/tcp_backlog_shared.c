// Connections that wait at several listeners of one port: for any address and for one, sharing it
// (SO_REUSEPORT), and IPv4 ones at an IPv6 socket. Each stays with its listener, options included,
// and what is sent next arrives.
#include "subject_net.h"

enum { kShared = 3, kEach = 4 };

struct queue {
  int listener, count;
  struct name names[kEach * kShared];
};

static int clients[kEach * kShared * 3], client_count;

static int shared_listener(struct name at) {
  int fd = new_socket(at.any.sa_family, SOCK_STREAM);
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  CHECK_OK(bind(fd, &at.any, at.size));
  CHECK_OK(listen(fd, kEach * kShared));
  return fd;
}

static void connect_some(struct name at, int count) {
  for (int i = 0; i < count; ++i) {
    clients[client_count] = connected_socket(SOCK_STREAM, at);
    send_text(clients[client_count++], "early");
  }
}

static int waiting_at(int listener) { return (int)tcp_info_of(listener).tcpi_unacked; }

static void accept_all(int listener, int count) {
  CHECK_EQ(waiting_at(listener), count);
  for (int i = 0; i < count; ++i) {
    struct name from = {.size = sizeof from.un};
    int server = (int)CHECK_OK(accept(listener, &from.any, &from.size)), client = -1;
    for (int j = 0; j < client_count; ++j)
      if (port_of(clients[j]) == ntohs(from.in.sin_port)) client = clients[j];
    CHECK(client >= 0);
    CHECK_EQ(get_option(server, SOL_SOCKET, SO_REUSEPORT),
             get_option(listener, SOL_SOCKET, SO_REUSEPORT));
    RECEIVE(server, "early");
    CONVERSE(server, client);
    CONVERSE(client, server);
  }
}

int main(void) {
  struct name v4 = loopback_name(AF_INET, 0), any = v4;
  int shared[kShared], counts[kShared], sum = 0;
  shared[0] = shared_listener(v4);
  for (int i = 1; i < kShared; ++i) shared[i] = shared_listener(name_of(shared[0]));
  connect_some(name_of(shared[0]), kEach * kShared);
  wait_until((counts[0] = waiting_at(shared[0])) + (counts[1] = waiting_at(shared[1])) +
                 (counts[2] = waiting_at(shared[2])) ==
             kEach * kShared);

  any.in.sin_addr.s_addr = INADDR_ANY;
  int anywhere = shared_listener(any);
  v4.in.sin_port = name_of(anywhere).in.sin_port;
  connect_some(v4, 2);
  int there = shared_listener(v4);
  connect_some(v4, 3);

  struct name v6 = loopback_name(AF_INET6, 0);
  v6.in6.sin6_addr = in6addr_any;
  int both = listening_socket(SOCK_STREAM, v6, kEach);
  struct name by_v4 = loopback_name(AF_INET, port_of(both)),
              by_v6 = loopback_name(AF_INET6, port_of(both));
  connect_some(by_v4, 1);
  connect_some(by_v6, 1);
  connect_some(by_v4, 1);
  wait_until(waiting_at(anywhere) == 2 && waiting_at(there) == 3 && waiting_at(both) == 3);
  STEP("waiting");
  for (int i = 0; i < kShared; ++i) accept_all(shared[i], counts[i]), sum += counts[i];
  CHECK_EQ(sum, kEach * kShared);
  accept_all(there, 3);
  accept_all(anywhere, 2);
  accept_all(both, 3);
  subject_done();
}
