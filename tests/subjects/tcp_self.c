// A TCP socket connected to itself: what it sends it receives.
#include "subject_net.h"

int main(void) {
  int fds[2];
  struct name names[2];
  for (int i = 0; i < 2; ++i) {
    fds[i] = bound_socket(SOCK_STREAM, loopback_name(family_of(i), 0));
    names[i] = name_of(fds[i]);
    CHECK_OK(connect(fds[i], &names[i].any, names[i].size));
    send_text(fds[i], "to myself, partly read");
    RECEIVE(fds[i], "to myself");
  }
  STEP("connected to itself");
  for (int i = 0; i < 2; ++i) {
    CHECK_NAME(name_of(fds[i]), names[i]);
    CHECK_NAME(peer_name_of(fds[i]), names[i]);
    CHECK_EQ(tcp_state_of(fds[i]), TCP_ESTABLISHED);
    RECEIVE(fds[i], ", partly read");
    CHECK_NOTHING(fds[i]);
    send_text(fds[i], "more");
    RECEIVE(fds[i], "more");
    send_text(fds[i], "last");
    CHECK_OK(shutdown(fds[i], SHUT_WR));
    RECEIVE(fds[i], "last");
    CHECK_END(fds[i]);
  }
  subject_done();
}
