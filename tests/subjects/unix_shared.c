// A socket that a process has twice and shares with its child stays one: what one reads the other
// does not, flags are common, and the end comes when the last has closed it.
#include "subject_net.h"

int main(void) {
  int pair[2], listener;
  struct name at = abstract_name("shared");
  CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  listener = listening_socket(SOCK_STREAM, at, 5);
  int copy = (int)CHECK_OK(fcntl(pair[0], F_DUPFD_CLOEXEC, 100));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    CHECK_OK(close(pair[1]));
    peer_tell(&child, 0);
    peer_hear(&child);
    CHECK(fcntl(pair[0], F_GETFL) & O_NONBLOCK);
    CHECK_EQ(fcntl(pair[0], F_GETFD), 0);
    CHECK_EQ(fcntl(copy, F_GETFD), FD_CLOEXEC);
    RECEIVE(pair[0], "for the child, ");
    send_text(copy, "from the child");
    set_option(copy, SOL_SOCKET, SO_PASSCRED, 1);
    CHECK_OK(close(accepted_socket(listener)));  // the first who came
    peer_tell(&child, 0);
    peer_hear(&child);
    CHECK_EQ(fcntl(pair[0], F_GETFL) & O_NONBLOCK, 0);
    CHECK_NOTHING(pair[0]);
    send_text(pair[0], "last");
    _exit(0);
  }
  peer_hear(&child);
  send_text(pair[1], "for the child, for the parent");
  int first = connected_socket(SOCK_STREAM, at), second = connected_socket(SOCK_STREAM, at);
  STEP("shared");
  CHECK_OK(fcntl(copy, F_SETFL, O_NONBLOCK));
  peer_tell(&child, 0);
  peer_hear(&child);
  CHECK(fcntl(pair[0], F_GETFL) & O_NONBLOCK);
  CHECK_EQ(get_option(pair[0], SOL_SOCKET, SO_PASSCRED), 1);
  CHECK_END(first);
  CONVERSE(second, accepted_socket(listener));
  CHECK_OK(fcntl(pair[0], F_SETFL, 0));
  RECEIVE(pair[0], "for the parent");
  RECEIVE(pair[1], "from the child");
  CHECK_OK(close(pair[0]));
  STEP("one of ours closed");
  CHECK_OK(close(copy));
  CHECK_NOTHING(pair[1]);  // the child still has it
  peer_tell(&child, 0);
  peer_end(&child);
  RECEIVE(pair[1], "last");
  CHECK_END(pair[1]);
  subject_done();
}
