// TCP connections shut down in one direction, with data still to be read and without, and for
// reading only: the data, then the end; the other direction goes on.
#include "subject_net.h"

enum { kData, kEmpty, kReadOnly, kBoth, kCount };

static void shut(int fds[kCount][2], int family) {
  for (int i = 0; i < kCount; ++i) tcp_pair(family, fds[i]);
  send_text(fds[kData][0], "before the end");
  send_text(fds[kBoth][0], "there");
  send_text(fds[kBoth][1], "and back");
  for (int i = 0; i < kCount; ++i)
    CHECK_OK(shutdown(fds[i][i == kEmpty], i == kReadOnly ? SHUT_RD : SHUT_WR));
  CHECK_OK(shutdown(fds[kBoth][1], SHUT_WR));
  wait_until(tcp_state_of(fds[kData][0]) == TCP_FIN_WAIT2);
  wait_until(tcp_state_of(fds[kEmpty][1]) == TCP_FIN_WAIT2);
  wait_until(tcp_state_of(fds[kBoth][1]) == TCP_CLOSE);
  wait_until(tcp_state_of(fds[kBoth][0]) == TCP_CLOSE);
}

static void check(int fds[kCount][2], bool step) {
  const int readable = POLLIN | POLLRDHUP;
  CHECK_EQ(tcp_state_of(fds[kData][0]), TCP_FIN_WAIT2);
  CHECK_EQ(tcp_state_of(fds[kData][1]), TCP_CLOSE_WAIT);
  CHECK_EQ(tcp_state_of(fds[kEmpty][0]), TCP_CLOSE_WAIT);
  CHECK_EQ(tcp_state_of(fds[kReadOnly][0]), TCP_ESTABLISHED);
  CHECK_EQ(poll_now(fds[kData][0], POLLIN | POLLRDHUP), 0);
  CHECK_EQ(poll_now(fds[kData][1], POLLIN | POLLRDHUP), readable);
  CHECK_EQ(poll_now(fds[kReadOnly][0], POLLIN | POLLRDHUP), readable);
  CHECK_EQ(poll_now(fds[kBoth][0], POLLIN | POLLRDHUP), readable | POLLHUP);
  RECEIVE(fds[kData][1], "before the end");
  RECEIVE(fds[kBoth][1], "there");
  RECEIVE(fds[kBoth][0], "and back");
  CHECK_END(fds[kData][1]);
  CHECK_END(fds[kEmpty][0]);
  CHECK_END(fds[kReadOnly][0]);
  CHECK_END(fds[kBoth][0]);
  CHECK_END(fds[kBoth][1]);
  CHECK_SEND_ERRNO(fds[kData][0], EPIPE);
  CHECK_SEND_ERRNO(fds[kEmpty][1], EPIPE);
  CHECK_SEND_ERRNO(fds[kBoth][0], EPIPE);
  for (int round = 0; round < 2; ++round) {
    send_text(fds[kData][1], "still");
    RECEIVE(fds[kData][0], "still");
    send_text(fds[kEmpty][0], "still");
    RECEIVE(fds[kEmpty][1], "still");
    send_text(fds[kReadOnly][0], "still");
    RECEIVE(fds[kReadOnly][1], "still");
    if (round == 0 && step) STEP("read to the end");
    CHECK_END(fds[kData][1]);
  }
  CHECK_OK(close(fds[kData][1]));
  CHECK_END(fds[kData][0]);
  CHECK_OK(shutdown(fds[kEmpty][0], SHUT_WR));
  CHECK_END(fds[kEmpty][1]);
}

int main(void) {
  int fds[2][kCount][2];
  for (int i = 0; i < 2; ++i) shut(fds[i], family_of(i));
  STEP("shut down");
  for (int i = 0; i < 2; ++i) check(fds[i], i == 1);
  subject_done();
}
