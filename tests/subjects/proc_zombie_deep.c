// A zombie in the middle of the tree: its parent, itself a child, waits for it after the restore,
// by group.
#include "subject.h"

int main(void) {
  struct peer parent = peer_fork();
  if (parent.pid == 0) {
    pid_t zombie = (pid_t)CHECK_OK(fork());
    if (zombie == 0) {
      CHECK_OK(setpgid(0, 0));
      _exit(3);
    }
    wait_until_state(zombie, zombie, 'Z');
    peer_tell(&parent, zombie);
    peer_hear(&parent);
    int status = 0;
    CHECK_EQ(getpgid(zombie), zombie);
    CHECK_EQ(waitpid(-zombie, &status, 0), zombie);
    CHECK_EQ(status, 3 << 8);
    CHECK_ERRNO(waitpid(-1, &status, 0), ECHILD);
    _exit(0);
  }
  peer_hear(&parent);
  STEP("zombie below");
  peer_tell(&parent, 0);
  peer_end(&parent);
  subject_done();
}
