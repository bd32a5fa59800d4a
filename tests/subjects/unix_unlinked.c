// A listener whose file is gone keeps its name, its connections and who waits in it; another one
// bound to the same path is the one that new connections reach.
#include "subject_net.h"

int main(void) {
  struct name path = path_name(subject_path("socket")), gone = path_name(subject_path("gone"));
  int first = listening_socket(SOCK_STREAM, path, 5);
  int client = connected_socket(SOCK_STREAM, path), server = accepted_socket(first);
  int waiting = connected_socket(SOCK_STREAM, path);
  CHECK_OK(unlink(path.un.sun_path));
  int second = listening_socket(SOCK_STREAM, path, 5);
  int unreachable = listening_socket(SOCK_STREAM, gone, 5);
  int to_gone = connected_socket(SOCK_STREAM, gone);
  CHECK_OK(unlink(gone.un.sun_path));
  send_text(client, "queued");
  STEP("unlinked");
  CHECK_ERRNO(access(gone.un.sun_path, F_OK), ENOENT);
  CHECK_NAME(name_of(first), path);
  CHECK_NAME(name_of(second), path);
  CHECK_NAME(name_of(unreachable), gone);
  CHECK_NAME(name_of(server), path);
  CHECK_NAME(peer_name_of(client), path);
  CHECK_NAME(peer_name_of(to_gone), gone);
  RECEIVE(server, "queued");
  CONVERSE(client, server);
  int late = connected_socket(SOCK_STREAM, path);
  CHECK_EQ(poll_now(first, POLLIN), POLLIN);  // the one that came before it was unlinked
  int early = accepted_socket(first);
  CONVERSE(waiting, early);
  CHECK_EQ(poll_now(first, POLLIN), 0);
  CONVERSE(late, accepted_socket(second));
  CONVERSE(to_gone, accepted_socket(unreachable));
  CHECK_ERRNO(connect(new_socket(AF_UNIX, SOCK_STREAM), &gone.any, gone.size), ENOENT);
  CHECK_OK(close(second));
  CHECK_ERRNO(connect(new_socket(AF_UNIX, SOCK_STREAM), &path.any, path.size), ECONNREFUSED);
  subject_done();
}
