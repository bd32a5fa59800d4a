// Holds a pair of connected UNIX sockets with a message in it.
#include "subject.h"

#include <sys/socket.h>

int main(void) {
  int fds[2];
  char text[8] = {0};
  CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  CHECK_EQ(write(fds[0], "hello", 5), 5);
  subject_expect(fds[0], "unix|socket");
  subject_hold();
  CHECK_EQ(read(fds[1], text, sizeof text), 5);
  CHECK_STR(text, "hello");
  subject_done();
}
