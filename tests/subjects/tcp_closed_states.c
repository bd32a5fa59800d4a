// TCP sockets at the end of their lives: closed by the peer with data left, closed by us alone,
// closed by both, reset with data left and without, refused.
#include "subject_net.h"

enum { kCloseWait, kFinWait, kFinished, kReset, kResetData, kRefused, kCount };

struct state {
  int fds[kCount], peer;  // the one that is still open
  struct name names[kCount];
};

static void set_up(struct state* state, int family) {
  const struct linger none = {1, 0};
  for (int i = 0; i < kRefused; ++i) {
    int fds[2];
    tcp_pair(family, fds);
    state->fds[i] = fds[0];
    if (i == kFinWait || i == kFinished) CHECK_OK(shutdown(fds[0], SHUT_WR));
    if (i == kFinWait) {
      state->peer = fds[1];
      continue;
    }
    if (i == kCloseWait || i == kResetData) send_text(fds[1], "left behind");
    if (i == kReset || i == kResetData)
      CHECK_OK(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &none, sizeof none));
    if (i == kResetData) wait_until(unread_bytes(fds[0]) == 11);
    CHECK_OK(close(fds[1]));
  }
  int listener = listening_socket(SOCK_STREAM, loopback_name(family, 0), 1);
  struct name nobody = name_of(listener);
  CHECK_OK(close(listener));
  state->fds[kRefused] = new_socket(family, SOCK_STREAM | SOCK_NONBLOCK);
  if (connect(state->fds[kRefused], &nobody.any, nobody.size) == 0 || errno != EINPROGRESS)
    FAIL("connect to nobody");
  for (int i = 0; i < kCount; ++i) {
    static const int kStates[] = {TCP_CLOSE_WAIT, TCP_FIN_WAIT2, TCP_CLOSE,
                                  TCP_CLOSE,      TCP_CLOSE,     TCP_CLOSE};
    wait_until(tcp_state_of(state->fds[i]) == kStates[i]);
    state->names[i] = name_of(state->fds[i]);
  }
}

static void check(const struct state* state) {
  const int ended = POLLIN | POLLRDHUP | POLLHUP, *fds = state->fds;
  const int kEvents[] = {POLLIN | POLLRDHUP, 0, ended, ended | POLLERR, ended | POLLERR,
                         ended | POLLERR};
  char byte;
  for (int i = 0; i < kCount; ++i) {
    CHECK_EQ(poll_now(fds[i], POLLIN | POLLRDHUP), kEvents[i]);
    CHECK_NAME(name_of(fds[i]), state->names[i]);
    if (i >= kFinished)
      CHECK_ERRNO(getpeername(fds[i], &(struct name){0}.any, &(socklen_t){0}), ENOTCONN);
  }
  CHECK_EQ(tcp_state_of(fds[kCloseWait]), TCP_CLOSE_WAIT);
  CHECK_EQ(tcp_state_of(fds[kFinWait]), TCP_FIN_WAIT2);
  RECEIVE(fds[kCloseWait], "left behind");
  RECEIVE(fds[kResetData], "left behind");
  CHECK_ERRNO(recv(fds[kReset], &byte, 1, 0), ECONNRESET);
  CHECK_EQ(get_option(fds[kResetData], SOL_SOCKET, SO_ERROR), ECONNRESET);
  CHECK_EQ(get_option(fds[kRefused], SOL_SOCKET, SO_ERROR), ECONNREFUSED);
  CHECK_SEND_ERRNO(fds[kReset], EPIPE);
  CHECK_SEND_ERRNO(fds[kFinished], EPIPE);
  send_text(state->peer, "still open");
  RECEIVE(fds[kFinWait], "still open");
  for (int i = 0; i < kRefused; ++i)
    if (i != kFinWait) CHECK_END(fds[i]);
  CHECK_OK(close(state->peer));
  CHECK_END(fds[kFinWait]);
}

int main(void) {
  struct state states[2];
  for (int i = 0; i < 2; ++i) set_up(&states[i], family_of(i));
  STEP("at the end");
  for (int i = 0; i < 2; ++i) check(&states[i]);
  subject_done();
}
