// A socket whose file was renamed after it was bound: reached by the new name, tells the old one.
#include "subject_net.h"

int main(void) {
  struct name old = path_name(subject_path("old")), new = path_name(subject_path("new"));
  struct name old_in = path_name(subject_path("receiver")), new_in;
  int listener = listening_socket(SOCK_STREAM, old, 5);
  int client = connected_socket(SOCK_STREAM, old), server = accepted_socket(listener);
  CHECK_OK(rename(old.un.sun_path, new.un.sun_path));
  CHECK_OK(mkdir(subject_path("folder"), 0755));
  int receiver = bound_socket(SOCK_DGRAM, old_in);
  new_in = path_name(subject_path("folder/receiver"));
  CHECK_OK(rename(old_in.un.sun_path, new_in.un.sun_path));
  int other = listening_socket(SOCK_STREAM, old_in, 5);  // the old name is someone else's now
  int sender = new_socket(AF_UNIX, SOCK_DGRAM);
  send_to(sender, "before", new_in);
  STEP("renamed");
  CHECK_NAME(name_of(listener), old);
  CHECK_NAME(name_of(receiver), old_in);
  CHECK_NAME(name_of(server), old);
  CHECK_NAME(peer_name_of(client), old);
  CONVERSE(client, server);
  RECEIVE_MESSAGE(receiver, "before");
  CHECK_ERRNO(access(old.un.sun_path, F_OK), ENOENT);
  CHECK_ERRNO(connect(new_socket(AF_UNIX, SOCK_STREAM), &old.any, old.size), ENOENT);
  client = connected_socket(SOCK_STREAM, new);
  CHECK_NAME(peer_name_of(client), old);
  CONVERSE(client, accepted_socket(listener));
  send_to(sender, "after", new_in);
  RECEIVE_MESSAGE(receiver, "after");
  CHECK_ERRNO(sendto(sender, "x", 1, 0, &old_in.any, old_in.size), EPROTOTYPE);
  client = connected_socket(SOCK_STREAM, old_in);
  CONVERSE(client, accepted_socket(other));
  subject_done();
}
