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

int main(void) {
  struct name ports[2][2];
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
  STEP("closed just now");
  for (int i = 0; i < 2; ++i)
    for (int allowed = 0; allowed < 2; ++allowed) check(ports[i][allowed], allowed);
  subject_done();
}
