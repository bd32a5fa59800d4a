// Datagram sockets whose peer is closed: what it sent is still there, its name too, and the first
// send finds that nobody is there any more.
#include "subject_net.h"

int main(void) {
  struct name at = path_name(subject_path("peer")), name = abstract_name("self");
  int peer = bound_socket(SOCK_DGRAM, at), connected = bound_socket(SOCK_DGRAM, name), pair[2];
  CHECK_OK(connect(connected, &at.any, at.size));
  CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  send_to(peer, "from the peer", name);
  send_text(connected, "never read");
  send_text(pair[1], "from the pair");
  CHECK_OK(close(peer));
  CHECK_OK(close(pair[1]));
  STEP("peer closed");
  CHECK_NAME(peer_name_of(connected), at);
  CHECK_NAME(name_of(connected), name);
  RECEIVE_FROM(connected, "from the peer", at);
  RECEIVE_MESSAGE(pair[0], "from the pair");
  CHECK_SEND_ERRNO(connected, ECONNREFUSED);
  CHECK_SEND_ERRNO(connected, ENOTCONN);  // the failure has ended the connection
  CHECK_SEND_ERRNO(pair[0], ECONNREFUSED);
  CHECK_SEND_ERRNO(pair[0], ENOTCONN);
  STEP("found out");
  CHECK_SEND_ERRNO(connected, ENOTCONN);
  CHECK_SEND_ERRNO(pair[0], ENOTCONN);
  CHECK_ERRNO(connect(connected, &at.any, at.size), ECONNREFUSED);
  CHECK_OK(unlink(at.un.sun_path));
  peer = bound_socket(SOCK_DGRAM, at);
  CHECK_OK(connect(connected, &at.any, at.size));
  send_text(connected, "anew");
  RECEIVE_FROM(peer, "anew", name);
  subject_done();
}
