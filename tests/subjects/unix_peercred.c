// Whose the other end is (SO_PEERCRED, SO_PEERGROUPS): of pairs and connections made by children
// with ids of their own, one living and one gone, and of who listened.
#include "subject_net.h"

#include <grp.h>

static struct name at;

static void expect(int fd, pid_t pid, uid_t uid, gid_t gid, const gid_t* groups, int count) {
  struct ucred ucred;
  gid_t now[16];
  socklen_t size = sizeof ucred;
  CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &ucred, &size));
  CHECK_EQ(ucred.pid, pid);
  CHECK_EQ(ucred.uid, uid);
  CHECK_EQ(ucred.gid, gid);
  size = sizeof now;
  CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, now, &size));
  CHECK_EQ(size, (size_t)count * sizeof *now);
  CHECK_MEM(now, groups, size);
}

static const gid_t kGroups[] = {5, 60, 700};

// Connects, makes a pair of which it sends one end, and changes its ids after that.
static void run_child(int way) {
  int pair[2];
  CHECK_OK(setgroups(3, kGroups));
  CHECK_OK(setresgid(1001, 1001, 0));
  CHECK_OK(setresuid(1000, 1000, 0));
  int client = connected_socket(SOCK_STREAM, at);
  CHECK_OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
  CHECK_OK(setresuid(0, 0, 0));
  CHECK_OK(setresgid(0, 0, 0));
  CHECK_OK(setgroups(0, NULL));
  send_fds(way, "both", (int[]){client, pair[1]}, 2);
}

int main(void) {
  int way[2], fds[2][2], servers[2], server_groups;
  gid_t own[64];
  at = abstract_name("peercred");
  server_groups = (int)CHECK_OK(getgroups(64, own));
  int listener = listening_socket(SOCK_STREAM, at, 5);
  CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, way));
  pid_t gone = (pid_t)CHECK_OK(fork());
  if (gone == 0) {
    run_child(way[0]);
    _exit(0);
  }
  reap_ok(gone);
  RECEIVE_FDS(way[1], "both", fds[0], 2);
  struct peer child = peer_fork();
  if (child.pid == 0) {
    run_child(way[0]);
    peer_hear(&child);
    run_child(way[0]);
    _exit(0);
  }
  RECEIVE_FDS(way[1], "both", fds[1], 2);
  servers[0] = accepted_socket(listener);
  STEP("one accepted, one waiting");
  servers[1] = accepted_socket(listener);
  for (int i = 0; i < 2; ++i) {
    pid_t pid = i ? child.pid : gone;
    expect(servers[i], pid, 1000, 1001, kGroups, 3);
    expect(fds[i][0], getpid(), 0, 0, own, server_groups);
    expect(fds[i][1], pid, 1000, 1001, kGroups, 3);
  }
  peer_tell(&child, 0);
  RECEIVE_FDS(way[1], "both", fds[0], 2);
  expect(accepted_socket(listener), child.pid, 1000, 1001, kGroups, 3);
  peer_end(&child);
  subject_done();
}
