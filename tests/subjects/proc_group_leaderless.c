// A process group whose leader has died keeps its id, and a signal to the group reaches its
// members.
#include "subject.h"

int main(void) {
  pid_t leader = (pid_t)CHECK_OK(fork());
  if (leader == 0) {
    CHECK_OK(setpgid(0, 0));
    pause();
    _exit(0);
  }
  wait_until(getpgid(leader) == leader);
  struct peer members[2];
  for (int i = 0; i < 2; ++i) {
    members[i] = peer_fork();
    if (members[i].pid == 0) {
      sigset_t usr1;
      sigemptyset(&usr1);
      sigaddset(&usr1, SIGUSR1);
      CHECK_OK(sigprocmask(SIG_BLOCK, &usr1, NULL));
      CHECK_OK(setpgid(0, leader));
      peer_tell(&members[i], 0);
      CHECK_EQ(sigwaitinfo(&usr1, NULL), SIGUSR1);
      CHECK_EQ(getpgrp(), leader);
      _exit(0);
    }
    peer_hear(&members[i]);
  }
  CHECK_OK(kill(leader, SIGKILL));
  CHECK_EQ(reap(leader), SIGKILL);
  STEP("leader gone");
  CHECK_EQ(getpgid(members[0].pid), leader);
  CHECK_EQ(getpgid(members[1].pid), leader);
  CHECK_OK(kill(-leader, SIGUSR1));
  peer_end(&members[0]);
  peer_end(&members[1]);
  CHECK_ERRNO(kill(-leader, 0), ESRCH);
  subject_done();
}
