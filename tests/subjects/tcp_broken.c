// A TCP connection whose peer had finished and was reset then: its owner has not been told yet.
#include "subject_net.h"

int main(void) {
  const struct linger none = {1, 0};
  int fds[2][2];
  for (int i = 0; i < 2; ++i) {
    tcp_pair(family_of(i), fds[i]);
    send_text(fds[i][1], "last words");
    CHECK_OK(shutdown(fds[i][1], SHUT_WR));
    wait_until(tcp_state_of(fds[i][0]) == TCP_CLOSE_WAIT);
    CHECK_OK(setsockopt(fds[i][1], SOL_SOCKET, SO_LINGER, &none, sizeof none));
    CHECK_OK(close(fds[i][1]));
    wait_until(tcp_state_of(fds[i][0]) == TCP_CLOSE);
  }
  STEP("broken");
  for (int i = 0; i < 2; ++i) {
    int fd = fds[i][0];
    CHECK_EQ(poll_now(fd, POLLIN | POLLRDHUP), POLLIN | POLLRDHUP | POLLHUP | POLLERR);
    RECEIVE(fd, "last words");
    CHECK_EQ(get_option(fd, SOL_SOCKET, SO_ERROR), EPIPE);
    CHECK_END(fd);
    CHECK_SEND_ERRNO(fd, EPIPE);
  }
  subject_done();
}
