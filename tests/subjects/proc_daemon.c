// A daemon made by a double fork: its session's leader has died, it belongs to init, and its ids
// stay.
#include "subject.h"

int main(void) {
  struct peer middle = peer_fork();
  if (middle.pid == 0) {
    CHECK_OK(setsid());
    pid_t leader = getpid();
    pid_t daemon_pid = (pid_t)CHECK_OK(fork());
    if (daemon_pid > 0) _exit(0);
    wait_until(getppid() != leader);
    pid_t parent = getppid();
    if (subject_cycles() > 0) CHECK_EQ(parent, 1);
    peer_tell(&middle, getpid());
    peer_hear(&middle);
    CHECK_EQ(getppid(), parent);
    CHECK_EQ(getsid(0), leader);
    CHECK_EQ(getpgrp(), leader);
    peer_tell(&middle, getpid());
    CHECK_OK(setsid());  // not a leader, so it may start another session
    CHECK_EQ(getsid(0), getpid());
    peer_tell(&middle, getpid());
    _exit(0);
  }
  reap_ok(middle.pid);
  long daemon_pid = peer_hear(&middle);
  STEP("daemon");
  CHECK_EQ(getsid((pid_t)daemon_pid), middle.pid);
  peer_tell(&middle, 0);
  CHECK_EQ(peer_hear(&middle), daemon_pid);
  CHECK_EQ(peer_hear(&middle), daemon_pid);
  long rest;
  CHECK_EQ(read(middle.hear, &rest, sizeof rest), 0);
  CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
  subject_done();
}
