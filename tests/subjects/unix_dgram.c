// Datagrams from named and nameless senders, one of them closed: their order, boundaries and
// senders' names; a connected socket takes only from its peer; a pair holds more than the usual
// ten.
#include "subject_net.h"

enum { kMany = 30 };
static const struct name no_name;

int main(void) {
  struct name at = path_name(subject_path("receiver")), alone = abstract_name("connected");
  struct name a_name = path_name(subject_path("a")), b_name = abstract_name("b");
  struct name gone_name = path_name(subject_path("gone"));
  int receiver = bound_socket(SOCK_DGRAM, at), connected = bound_socket(SOCK_DGRAM, alone);
  int a = bound_socket(SOCK_DGRAM, a_name), b = bound_socket(SOCK_DGRAM, b_name);
  int gone = bound_socket(SOCK_DGRAM, gone_name), nameless = new_socket(AF_UNIX, SOCK_DGRAM);
  int pair[2];
  char text[16];
  CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  send_to(a, "from a", at);
  send_to(nameless, "from nobody", at);
  send_to(gone, "", at);
  send_to(gone, "from one who is gone", at);
  send_to(b, "from b", at);
  CHECK_OK(close(gone));
  send_to(b, "before it was connected", alone);
  CHECK_OK(connect(connected, &a_name.any, a_name.size));
  send_text(connected, "to a");
  CHECK_OK(connect(nameless, &at.any, at.size));
  for (int i = 0; i < kMany; ++i) {
    snprintf(text, sizeof text, "number %d", i);
    send_text(pair[i % 3 == 0], text);
  }
  STEP("queued");
  CHECK_EQ(unread_bytes(receiver), 6);
  RECEIVE_FROM(receiver, "from a", a_name);
  RECEIVE_FROM(receiver, "from nobody", no_name);
  RECEIVE_FROM(receiver, "", gone_name);
  RECEIVE_FROM(receiver, "from one who is gone", gone_name);
  RECEIVE_FROM(receiver, "from b", b_name);
  CHECK_NOTHING(receiver);
  RECEIVE_FROM(a, "to a", alone);
  CHECK_NAME(peer_name_of(connected), a_name);
  CHECK_NAME(peer_name_of(nameless), at);
  CHECK_ERRNO(sendto(b, "x", 1, MSG_DONTWAIT, &alone.any, alone.size), EPERM);
  send_to(a, "from the peer", alone);
  RECEIVE_FROM(connected, "before it was connected", b_name);
  RECEIVE_FROM(connected, "from the peer", a_name);
  send_text(nameless, "through a connection");
  RECEIVE_FROM(receiver, "through a connection", no_name);
  CHECK_ERRNO(sendto(a, "x", 1, 0, &gone_name.any, gone_name.size), ECONNREFUSED);
  for (int i = 0; i < kMany; ++i) {
    snprintf(text, sizeof text, "number %d", i);
    RECEIVE_MESSAGE(pair[i % 3 != 0], text);
  }
  CONVERSE(pair[0], pair[1]);
  CHECK_NOTHING(pair[0]);
  CHECK_NOTHING(pair[1]);
  subject_done();
}
