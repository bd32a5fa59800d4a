// Names that the kernel picked: for a bind without a name, and for who asks for credentials; they
// stay, are nobody else's, and can be reached.
#include "subject_net.h"

int main(void) {
  struct name none = unnamed();
  int listener = new_socket(AF_UNIX, SOCK_STREAM), receiver = new_socket(AF_UNIX, SOCK_DGRAM);
  int sender = new_socket(AF_UNIX, SOCK_DGRAM), client = new_socket(AF_UNIX, SOCK_STREAM);
  int fresh = new_socket(AF_UNIX, SOCK_DGRAM);
  CHECK_OK(bind(listener, &none.any, none.size));
  CHECK_OK(bind(receiver, &none.any, none.size));
  CHECK_OK(listen(listener, 5));
  struct name at = name_of(listener), receiver_at = name_of(receiver);
  CHECK_EQ(at.size, offsetof(struct sockaddr_un, sun_path) + 6);  // a zero and five digits
  set_option(client, SOL_SOCKET, SO_PASSCRED, 1);
  CHECK_OK(connect(client, &at.any, at.size));
  set_option(sender, SOL_SOCKET, SO_PASSCRED, 1);
  send_to(sender, "queued", receiver_at);
  struct name client_name = name_of(client), sender_name = name_of(sender);
  CHECK_EQ(client_name.size, at.size);
  CHECK_EQ(sender_name.size, at.size);
  STEP("named by the kernel");
  CHECK_NAME(name_of(listener), at);
  CHECK_NAME(name_of(receiver), receiver_at);
  CHECK_NAME(name_of(client), client_name);
  CHECK_NAME(name_of(sender), sender_name);
  CHECK_NAME(name_of(fresh), none);
  int server = accepted_socket(listener);
  CHECK_NAME(peer_name_of(server), client_name);
  CONVERSE(client, server);
  RECEIVE_FROM(receiver, "queued", sender_name);
  CHECK_OK(bind(fresh, &none.any, none.size));
  send_to(fresh, "later", receiver_at);
  RECEIVE_FROM(receiver, "later", name_of(fresh));
  CHECK_OK(bind(listener, &none.any, none.size));  // has one already
  CHECK_NAME(name_of(listener), at);
  CHECK_ERRNO(bind(new_socket(AF_UNIX, SOCK_STREAM), &at.any, at.size), EADDRINUSE);
  subject_done();
}
