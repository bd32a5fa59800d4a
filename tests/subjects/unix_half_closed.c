// Streams shut down in one direction or both, with data still queued: the data, then the end, then
// what each side is refused.
#include "subject_net.h"

enum { kWrite, kRead, kBoth, kEmpty, kPacket, kCount };
static const int kHow[kCount] = {SHUT_WR, SHUT_RD, SHUT_RDWR, SHUT_WR, SHUT_WR};
static int pairs[kCount][2];

static int events(int fd) { return poll_now(fd, POLLIN | POLLOUT | POLLRDHUP); }

static void check_events(void) {
  CHECK_EQ(events(pairs[kWrite][0]), POLLIN | POLLOUT);
  CHECK_EQ(events(pairs[kWrite][1]), POLLIN | POLLOUT | POLLRDHUP);
  CHECK_EQ(events(pairs[kRead][0]), POLLIN | POLLOUT | POLLRDHUP);
  CHECK_EQ(events(pairs[kRead][1]), POLLIN | POLLOUT);
  CHECK_EQ(events(pairs[kBoth][0]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
  CHECK_EQ(events(pairs[kBoth][1]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
  CHECK_EQ(events(pairs[kEmpty][0]), POLLOUT);
  CHECK_EQ(events(pairs[kEmpty][1]), POLLIN | POLLOUT | POLLRDHUP);
}

int main(void) {
  for (int i = 0; i < kCount; ++i) {
    CHECK_OK(socketpair(AF_UNIX, i == kPacket ? SOCK_SEQPACKET : SOCK_STREAM, 0, pairs[i]));
    if (i != kEmpty) {
      send_text(pairs[i][0], "there");
      send_text(pairs[i][1], "and back");
    }
    CHECK_OK(shutdown(pairs[i][0], kHow[i]));
  }
  check_events();
  STEP("shut down");
  check_events();
  for (int i = 0; i < kCount; ++i) {
    if (i != kEmpty) {
      RECEIVE(pairs[i][1], "there");
      RECEIVE(pairs[i][0], "and back");
    }
    if (kHow[i] != SHUT_RD) {
      CHECK_END(pairs[i][1]);
      CHECK_SEND_ERRNO(pairs[i][0], EPIPE);
    } else {
      send_text(pairs[i][0], "still open");
      RECEIVE(pairs[i][1], "still open");
    }
    if (kHow[i] != SHUT_WR) {
      CHECK_END(pairs[i][0]);
      CHECK_SEND_ERRNO(pairs[i][1], EPIPE);
    } else {
      CHECK_NOTHING(pairs[i][0]);
      send_text(pairs[i][1], "still open");
      RECEIVE(pairs[i][0], "still open");
    }
  }
  STEP("read to the end");
  CHECK_END(pairs[kWrite][1]);
  CHECK_SEND_ERRNO(pairs[kWrite][0], EPIPE);
  CHECK_SEND_ERRNO(pairs[kRead][1], EPIPE);
  CHECK_OK(shutdown(pairs[kWrite][1], SHUT_WR));
  CHECK_END(pairs[kWrite][0]);
  CHECK_EQ(events(pairs[kWrite][0]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
  subject_done();
}
