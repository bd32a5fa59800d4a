// Streams whose peer is closed: what it had sent is there, then the end; where it had not read all
// that was sent to it, the connection was reset, which is told once.
#include "subject_net.h"

enum { kSent, kUnread, kBoth, kEmpty, kPacket, kNeverAccepted, kCount };
static int fds[kCount];

int main(void) {
  struct name at = abstract_name("closed");
  int pair[2], listener = listening_socket(SOCK_STREAM, at, 2);
  for (int i = 0; i < kNeverAccepted; ++i) {
    CHECK_OK(socketpair(AF_UNIX, i == kPacket ? SOCK_SEQPACKET : SOCK_STREAM, 0, pair));
    fds[i] = pair[0];
    if (i == kSent || i == kBoth || i == kPacket) send_text(pair[1], "left behind");
    if (i == kUnread || i == kBoth) send_text(pair[0], "never read");
    CHECK_OK(close(pair[1]));
  }
  fds[kNeverAccepted] = connected_socket(SOCK_STREAM, at);
  CHECK_OK(close(listener));
  const int ended = POLLIN | POLLOUT | POLLRDHUP | POLLHUP;
  STEP("closed");
  for (int i = 0; i < kCount; ++i) {
    bool reset = i == kUnread || i == kBoth || i == kNeverAccepted;
    CHECK_EQ(poll_now(fds[i], POLLIN | POLLOUT | POLLRDHUP), ended | (reset ? POLLERR : 0));
    CHECK_NAME(peer_name_of(fds[i]), i == kNeverAccepted ? at : unnamed());
    if (i == kSent || i == kBoth || i == kPacket) {
      CHECK_EQ(unread_bytes(fds[i]), 11);
      RECEIVE(fds[i], "left behind");
    }
    char byte;
    if (i == kUnread || i == kBoth) CHECK_ERRNO(recv(fds[i], &byte, 1, 0), ECONNRESET);
    if (i == kNeverAccepted) CHECK_EQ(get_option(fds[i], SOL_SOCKET, SO_ERROR), ECONNRESET);
    CHECK_END(fds[i]);
    CHECK_SEND_ERRNO(fds[i], EPIPE);
  }
  STEP("told once");
  for (int i = 0; i < kCount; ++i) {
    CHECK_EQ(poll_now(fds[i], POLLIN | POLLOUT | POLLRDHUP), ended);
    CHECK_EQ(get_option(fds[i], SOL_SOCKET, SO_ERROR), 0);
    CHECK_END(fds[i]);
  }
  subject_done();
}
