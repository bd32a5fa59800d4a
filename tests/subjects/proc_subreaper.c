// A child subreaper keeps its role: it is the parent of the orphans it has, and gets those that
// come after.
#include "subject.h"

static struct peer make_orphan(void) {
  struct peer middle = peer_fork();
  if (middle.pid == 0) {
    pid_t self = getpid();
    if (CHECK_OK(fork()) > 0) _exit(0);
    wait_until(getppid() != self);
    peer_tell(&middle, getppid());
    peer_tell(&middle, getpid());
    peer_hear(&middle);
    peer_tell(&middle, getppid());
    _exit(7);
  }
  reap_ok(middle.pid);
  CHECK_EQ(peer_hear(&middle), getpid());
  middle.pid = (pid_t)peer_hear(&middle);
  return middle;
}

static void end_orphan(struct peer* orphan) {
  peer_tell(orphan, 0);
  CHECK_EQ(peer_hear(orphan), getpid());
  CHECK_EQ(reap(orphan->pid), 7 << 8);
}

int main(void) {
  CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
  struct peer before = make_orphan();
  STEP("subreaper");
  int role = 0;
  CHECK_OK(prctl(PR_GET_CHILD_SUBREAPER, &role));
  CHECK_EQ(role, 1);
  end_orphan(&before);
  struct peer after = make_orphan();
  end_orphan(&after);
  subject_done();
}
