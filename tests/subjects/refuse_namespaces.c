// Holds children in a user, a pid and a network namespace of their own.
#include "subject.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static void add_address(void) {
  int fd = (int)CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
  struct ifreq request = {.ifr_name = "lo:1"};
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a090807)};
  memcpy(&request.ifr_addr, &address, sizeof address);
  CHECK_OK(ioctl(fd, SIOCSIFADDR, &request));
  CHECK_OK(close(fd));
}

static struct peer start(int flags, const char* words) {
  struct peer child = peer_fork();
  if (child.pid == 0) {
    long error = unshare(flags) == 0 ? 0 : errno;
    if (flags == CLONE_NEWNET && error == 0) add_address();
    peer_tell(&child, error);
    if (error) _exit(0);
    pid_t inner = (pid_t)CHECK_OK(fork());  // in the new pid namespace, where there is one
    if (inner == 0) {
      if (flags == CLONE_NEWPID) CHECK_EQ(getpid(), 1);
      peer_tell(&child, 0);
      peer_hear(&child);
      _exit(0);
    }
    reap_ok(inner);
    _exit(0);
  }
  long error = peer_hear(&child);
  if (error) subject_skip("unshare(%#x): %s", flags, strerror((int)error));
  peer_hear(&child);
  subject_expect(kAnyProcess, words);
  return child;
}

int main(void) {
  struct peer user = start(CLONE_NEWUSER, "user namespace");
  struct peer pid = start(CLONE_NEWPID, "pid namespace");
  struct peer net =
      start(CLONE_NEWNET, "network namespace of its own, in which there is more than loopback");
  subject_hold();
  struct peer* all[] = {&user, &pid, &net};
  for (int i = 0; i < 3; ++i) peer_tell(all[i], 0), peer_end(all[i]);
  subject_done();
}
