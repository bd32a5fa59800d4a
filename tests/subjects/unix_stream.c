// A pair of stream sockets with data queued both ways, the first message partly read; neither has a
// name; both go on.
#include "subject_net.h"

int main(void) {
  int fds[2], left = 0;
  static char bytes[20000], now[20000];
  CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  fill_pattern(bytes, sizeof bytes, 1);
  send_text(fds[0], "first message, ");
  send_text(fds[0], "second");
  CHECK_EQ(send(fds[0], bytes, sizeof bytes, 0), sizeof bytes);
  send_text(fds[1], "the other way");
  RECEIVE(fds[1], "first");
  STEP("queued both ways");
  for (int i = 0; i < 2; ++i) {
    CHECK_NAME(name_of(fds[i]), unnamed());
    CHECK_NAME(peer_name_of(fds[i]), unnamed());
    CHECK_EQ(poll_now(fds[i], POLLIN | POLLOUT | POLLRDHUP), POLLIN | POLLOUT);
  }
  CHECK_EQ(unread_bytes(fds[1]), 16 + sizeof bytes);
  CHECK_EQ(unread_bytes(fds[0]), 13);
  PEEK(fds[1], " message, sec");
  RECEIVE(fds[1], " message, sec");
  send_text(fds[0], "more");
  STEP("more queued");
  RECEIVE(fds[1], "ond");
  CHECK_EQ(recv(fds[1], now, sizeof now, MSG_WAITALL), sizeof now);
  CHECK_MEM(now, bytes, sizeof bytes);
  RECEIVE(fds[1], "more");
  RECEIVE(fds[0], "the other way");
  CHECK_NOTHING(fds[0]);
  CHECK_NOTHING(fds[1]);
  wait_until((CHECK_OK(ioctl(fds[0], TIOCOUTQ, &left)), left == 0));
  STEP("empty");
  CHECK_NOTHING(fds[0]);
  CONVERSE(fds[0], fds[1]);
  CHECK_OK(close(fds[0]));
  CHECK_END(fds[1]);
  subject_done();
}
