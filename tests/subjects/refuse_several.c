// Holds several obstacles in two processes at once: a socket, a device or event counter, and a
// sealed mapping.
#include "subject.h"

#include <sys/socket.h>

int main(void) {
  int socket_fd = (int)CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    int fds[2];
    CHECK_OK(close(socket_fd));
    CHECK_OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds));
    subject_expect(fds[0], "unix|socket");
    peer_tell(&child, 0);
    peer_hear(&child);
    CHECK_EQ(write(fds[0], "x", 1), 1);
    _exit(0);
  }
  peer_hear(&child);
  subject_expect(socket_fd, "udp|inet|socket");
  void* area = CHECK_MAP(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (syscall(462, area, 4096, 0) == 0) subject_expect(kNoDescriptor, "seal");
  subject_hold();
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
