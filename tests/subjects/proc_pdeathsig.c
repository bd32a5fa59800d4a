// The parent-death signal is kept: not sent by the restore, sent when the parent dies afterwards.
#include "subject.h"

int main(void) {
  struct peer middle = peer_fork();
  if (middle.pid == 0) {
    sigset_t usr2;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    CHECK_OK(sigprocmask(SIG_BLOCK, &usr2, NULL));
    struct peer child = peer_fork();
    if (child.pid == 0) {
      CHECK_OK(prctl(PR_SET_PDEATHSIG, SIGUSR2));
      peer_tell(&child, 0);
      peer_hear(&child);
      int signo = 0;
      CHECK_OK(prctl(PR_GET_PDEATHSIG, &signo));
      CHECK_EQ(signo, SIGUSR2);
      sigset_t pending;
      CHECK_OK(sigpending(&pending));
      CHECK_EQ(sigismember(&pending, SIGUSR2), 0);
      peer_tell(&child, 0);
      siginfo_t info;
      CHECK_EQ(sigwaitinfo(&usr2, &info), SIGUSR2);
      CHECK_EQ(info.si_code, SI_USER);
      peer_tell(&middle, 1);  // to the root process
      _exit(0);
    }
    peer_hear(&child);
    peer_tell(&middle, 0);
    peer_hear(&middle);
    peer_tell(&child, 0);
    peer_hear(&child);
    _exit(0);
  }
  peer_hear(&middle);
  STEP("pdeathsig");
  peer_tell(&middle, 0);
  CHECK_EQ(peer_hear(&middle), 1);
  peer_end(&middle);
  subject_done();
}
