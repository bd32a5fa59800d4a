// Holds a child in a network namespace that has more than loopback, and a pid namespace open.
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
    peer_tell(&child, 0);
    peer_hear(&child);
    _exit(0);
  }
  long error = peer_hear(&child);
  if (error) subject_skip("unshare(%#x): %s", flags, strerror((int)error));
  peer_hear(&child);
  subject_expect(kAnyProcess, words);
  return child;
}

static pid_t hold_pids(void) {
  pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, 0);
  CHECK_OK(pid);
  if (pid == 0)
    for (;;) pause();
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/pid", pid);
  subject_expect((int)CHECK_OK(open(path, O_RDONLY | O_CLOEXEC)), "a namespace that is not");
  return pid;
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  pid_t first = hold_pids();
  struct peer net =
      start(CLONE_NEWNET, "network namespace of its own, in which there is more than loopback");
  subject_hold();
  peer_tell(&net, 0), peer_end(&net);
  CHECK_OK(kill(first, SIGKILL));
  CHECK_EQ(WTERMSIG(reap(first)), SIGKILL);
  subject_done();
}
