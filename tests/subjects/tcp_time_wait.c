// The port of a connection that both sides have closed is kept from others for a while (TIME_WAIT);
// where the connection's owner allowed it to be used anew, from those who do not ask for that.
#include "subject_net.h"

static void check(struct name port, bool allowed) {
  int strict = new_socket(port.any.sa_family, SOCK_STREAM);
  CHECK_ERRNO(bind(strict, &port.any, port.size), EADDRINUSE);
  CHECK_OK(close(strict));
  int reusing = new_socket(port.any.sa_family, SOCK_STREAM);
  set_option(reusing, SOL_SOCKET, SO_REUSEADDR, 1);
  if (allowed)
    CHECK_OK(bind(reusing, &port.any, port.size));
  else
    CHECK_ERRNO(bind(reusing, &port.any, port.size), EADDRINUSE);
  if (allowed) {
    CHECK_OK(listen(reusing, 1));
    int client = connected_socket(SOCK_STREAM, port);
    CONVERSE(client, accepted_socket(reusing));
  }
}

// Who has such a port already keeps it, whatever it would be told now.
static int beside(int family) {
  int fds[2];
  tcp_pair(family, fds);
  struct name port = name_of(fds[1]);
  set_option(fds[1], SOL_SOCKET, SO_REUSEADDR, 1);
  CHECK_OK(close(fds[1]));
  CHECK_END(fds[0]);
  CHECK_OK(close(fds[0]));
  int fd = new_socket(family, SOCK_STREAM);
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  CHECK_OK(bind(fd, &port.any, port.size));
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 0);
  return fd;
}

int main(void) {
  struct name ports[2][2], kept_names[2];
  int kept[2];
  for (int i = 0; i < 2; ++i) {
    for (int allowed = 0; allowed < 2; ++allowed) {
      int fds[2];
      tcp_pair(family_of(i), fds);
      ports[i][allowed] = name_of(fds[1]);
      set_option(fds[1], SOL_SOCKET, SO_REUSEADDR, allowed);
      CHECK_OK(close(fds[1]));  // who closes first keeps the port
      CHECK_END(fds[0]);
      CHECK_OK(close(fds[0]));
    }
  }
  for (int i = 0; i < 2; ++i) kept[i] = beside(family_of(i)), kept_names[i] = name_of(kept[i]);
  STEP("closed just now");
  for (int i = 0; i < 2; ++i) {
    CHECK_NAME(name_of(kept[i]), kept_names[i]);
    CHECK_EQ(get_option(kept[i], SOL_SOCKET, SO_REUSEADDR), 0);
    int listener = listening_socket(SOCK_STREAM, loopback_name(family_of(i), 0), 1);
    struct name there = name_of(listener);
    CHECK_OK(connect(kept[i], &there.any, there.size));
    CONVERSE(kept[i], accepted_socket(listener));
  }
  for (int i = 0; i < 2; ++i)
    for (int allowed = 0; allowed < 2; ++allowed) check(ports[i][allowed], allowed);
  subject_done();
}
