// A TCP connection whose sender was closed while most of what it had sent still waited for room at
// the receiver: it all arrives, then the end. Also where the receiver has not been accepted yet.
#include "subject_net.h"

int main(void) {
  int receivers[2];
  size_t sizes[2];
  for (int i = 0; i < 2; ++i) {
    int fds[2];
    tcp_pair(family_of(i), fds);
    receivers[i] = fds[1];
    set_option(fds[0], SOL_SOCKET, SO_SNDBUF, 200000);
    sizes[i] = fill_stream(fds[0], 9);
    CHECK_OK(close(fds[0]));
    CHECK((size_t)unread_bytes(fds[1]) < sizes[i]);
  }
  int listeners[2];
  size_t waiting[2];
  for (int i = 0; i < 2; ++i) {
    listeners[i] = listening_socket(SOCK_STREAM, loopback_name(family_of(i), 0), 1);
    int client = connected_socket(SOCK_STREAM, name_of(listeners[i]));
    set_option(client, SOL_SOCKET, SO_SNDBUF, 200000);
    waiting[i] = fill_stream(client, 7);
    CHECK_OK(close(client));
  }
  STEP("sender gone");
  for (int i = 0; i < 2; ++i) {
    CHECK_EQ(tcp_state_of(receivers[i]), TCP_ESTABLISHED);  // the end is still behind the rest
    drain_stream(receivers[i], sizes[i], 9);
    CHECK_END(receivers[i]);
    int accepted = accepted_socket(listeners[i]);
    drain_stream(accepted, waiting[i], 7);
    CHECK_END(accepted);
  }
  subject_done();
}
