// A TCP connection whose sender was closed while most of what it had sent still waited for room at
// the receiver: it all arrives, then the end.
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
  STEP("sender gone");
  for (int i = 0; i < 2; ++i) {
    CHECK_EQ(tcp_state_of(receivers[i]), TCP_ESTABLISHED);  // the end is still behind the rest
    drain_stream(receivers[i], sizes[i], 9);
    CHECK_END(receivers[i]);
  }
  subject_done();
}
