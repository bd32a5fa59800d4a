// A socket that has listened and does not any more, beside a connection that it took: both have its
// port.
#include "subject_net.h"

int main(void) {
  for (int i = 0; i < 2; ++i) {
    // A port that was asked for stays its own.
    const int finder = bound_socket(SOCK_STREAM, loopback_name(family_of(i), 0));
    const struct name name = name_of(finder);
    CHECK_OK(close(finder));
    const int listener = listening_socket(SOCK_STREAM, name, 5);
    const int client = connected_socket(SOCK_STREAM, name);
    const int server = accepted_socket(listener);
    CHECK_OK(shutdown(listener, SHUT_RD));
    STEP(i == 0 ? "listened" : "over IPv6");
    CHECK_NAME(name_of(listener), name);
    CHECK_EQ(tcp_state_of(listener), TCP_CLOSE);
    CHECK_EQ(get_option(listener, SOL_SOCKET, SO_REUSEADDR), 0);
    CONVERSE(client, server);
    const int other = new_socket(family_of(i), SOCK_STREAM);
    CHECK_ERRNO(bind(other, &name.any, name.size), EADDRINUSE);
    CHECK_OK(close(other));
    CHECK_ERRNO(listen(listener, 5), EADDRINUSE);  // while the connection has its port
    CHECK_OK(close(client));
    CHECK_OK(close(server));
    CHECK_OK(close(listener));
  }
  subject_done();
}
