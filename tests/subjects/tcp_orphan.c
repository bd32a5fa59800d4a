// A TCP connection whose one end was closed before the other had read: all of it is there, then the
// end, and the names stay.
#include "subject_net.h"

enum { kSize = 20000 };

int main(void) {
  static char bytes[kSize];
  int servers[2], clients[2];
  struct name names[2][2];
  fill_pattern(bytes, kSize, 5);
  for (int i = 0; i < 2; ++i) {
    int fds[2], early[2];
    tcp_pair(family_of(i), fds);
    tcp_pair(family_of(i), early);
    servers[i] = fds[1];
    clients[i] = early[0];
    names[i][0] = name_of(fds[0]);
    names[i][1] = name_of(fds[1]);
    CHECK_EQ(send(fds[0], bytes, kSize, 0), kSize);
    send_text(early[1], "left by the server");
    wait_until(unread_bytes(fds[1]) == kSize);
    CHECK_OK(close(fds[0]));
    CHECK_OK(close(early[1]));
    wait_until(poll_now(servers[i], POLLRDHUP) && poll_now(clients[i], POLLRDHUP));
  }
  STEP("unread");
  for (int i = 0; i < 2; ++i) {
    CHECK_EQ(tcp_state_of(servers[i]), TCP_CLOSE_WAIT);
    CHECK_NAME(name_of(servers[i]), names[i][1]);
    CHECK_NAME(peer_name_of(servers[i]), names[i][0]);
    CHECK_EQ(unread_bytes(servers[i]), kSize);
    drain_stream(servers[i], kSize, 5);
    CHECK_END(servers[i]);
    RECEIVE(clients[i], "left by the server");
    CHECK_END(clients[i]);
    CHECK_EQ(send(servers[i], "x", 1, MSG_NOSIGNAL), 1);  // nobody there: answered with a reset
    wait_until(poll_now(servers[i], POLLIN) & POLLHUP);
    CHECK_SEND_ERRNO(servers[i], EPIPE);
  }
  subject_done();
}
