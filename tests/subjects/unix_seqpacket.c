// Sequenced packets queued both ways keep their boundaries, an empty one and a big one too; one
// read in part is gone as a whole.
#include "subject_net.h"

enum { kBig = 30000 };
static char bytes[kBig], now[kBig + 1];

static void queue(int a, int b) {
  send_text(a, "one");
  send_text(a, "");
  send_text(a, "three");
  send_text(a, "to be cut");
  CHECK_EQ(send(a, bytes, kBig, 0), kBig);
  send_text(a, "last");
  send_text(b, "the other way");
  RECEIVE_MESSAGE(b, "one");
}

static void check(int a, int b) {
  char part[5];
  CHECK_EQ(get_option(a, SOL_SOCKET, SO_TYPE), SOCK_SEQPACKET);
  CHECK_EQ(unread_bytes(b), 0 + 5 + 9 + kBig + 4);
  RECEIVE_MESSAGE(b, "");
  RECEIVE_MESSAGE(b, "three");
  CHECK_EQ(recv(b, part, sizeof part, MSG_TRUNC), 9);
  CHECK_MEM(part, "to be", sizeof part);
  CHECK_EQ(recv(b, now, sizeof now, 0), kBig);
  CHECK_MEM(now, bytes, kBig);
  RECEIVE_MESSAGE(b, "last");
  CHECK_NOTHING(b);
  RECEIVE_MESSAGE(a, "the other way");
  send_text(a, "first");
  send_text(a, "second");
  RECEIVE_MESSAGE(b, "first");
  RECEIVE_MESSAGE(b, "second");
  CHECK_ERRNO(send(b, bytes, 100000000, MSG_NOSIGNAL), EMSGSIZE);
}

int main(void) {
  int pair[2];
  struct name at = abstract_name("seqpacket");
  fill_pattern(bytes, sizeof bytes, 2);
  CHECK_OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
  int listener = listening_socket(SOCK_SEQPACKET, at, 2);
  int client = connected_socket(SOCK_SEQPACKET, at), server = accepted_socket(listener);
  queue(pair[0], pair[1]);
  queue(server, client);
  STEP("packets");
  check(pair[0], pair[1]);
  check(server, client);
  CHECK_NAME(peer_name_of(client), at);
  CHECK_ERRNO(connect(new_socket(AF_UNIX, SOCK_STREAM), &at.any, at.size), ECONNREFUSED);
  client = connected_socket(SOCK_SEQPACKET, at);
  send_text(client, "packet");
  RECEIVE_MESSAGE(accepted_socket(listener), "packet");
  subject_done();
}
