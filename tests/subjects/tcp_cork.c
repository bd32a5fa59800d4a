// What a corked TCP socket was given arrives together with the rest, and it stays corked until that
// is ended.
#include "subject_net.h"

int main(void) {
  int fds[2][2];
  for (int i = 0; i < 2; ++i) {
    tcp_pair(family_of(i), fds[i]);
    set_option(fds[i][0], IPPROTO_TCP, TCP_CORK, 1);
    send_text(fds[i][0], "corked, ");
  }
  STEP("corked");
  for (int i = 0; i < 2; ++i) {
    CHECK_EQ(get_option(fds[i][0], IPPROTO_TCP, TCP_CORK), 1);
    CHECK_EQ(get_option(fds[i][1], IPPROTO_TCP, TCP_CORK), 0);
    send_text(fds[i][0], "and more");
    RECEIVE(fds[i][1], "corked, and more");  // at the latest after 200 ms, corked or not
    send_text(fds[i][0], ", released");
    set_option(fds[i][0], IPPROTO_TCP, TCP_CORK, 0);
    RECEIVE(fds[i][1], ", released");
    CHECK_EQ(get_option(fds[i][0], IPPROTO_TCP, TCP_CORK), 0);
    CONVERSE(fds[i][0], fds[i][1]);
  }
  subject_done();
}
