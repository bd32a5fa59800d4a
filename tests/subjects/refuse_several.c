// Holds several obstacles in two processes at once: a socket, a device or event counter, and a
// context for asynchronous input and output.
#include "subject.h"

#include <sys/socket.h>

int main(void) {
  int socket_fd = (int)CHECK_OK(socket(AF_PACKET, SOCK_DGRAM, 0));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    CHECK_OK(close(socket_fd));
    int raw = (int)CHECK_OK(socket(AF_PACKET, SOCK_RAW, 0));
    subject_expect(raw, "packet|socket");
    peer_tell(&child, 0);
    peer_hear(&child);
    _exit(0);
  }
  peer_hear(&child);
  subject_expect(socket_fd, "packet|socket");
  unsigned long context = 0;
  if (syscall(SYS_io_setup, 1, &context) == 0) subject_expect(kNoDescriptor, "io_setup");
  subject_hold();
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
