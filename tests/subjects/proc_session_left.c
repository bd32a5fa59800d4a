// Who begins a session after making children stays their parent, as a subreaper too; and a session
// whose leader is dead but not waited for keeps its other members.
#include "subject.h"

// As a child, which is no leader of its group and so may begin a session.
static void lead(struct peer* up) {
  CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
  const pid_t old_session = getsid(0);
  struct peer child = peer_fork();
  if (child.pid == 0) {
    peer_hear(&child);
    peer_tell(&child, getppid());
    _exit(5);
  }
  CHECK_OK(setsid());

  // A leader that leaves a member of its session behind, which is then ours.
  struct peer report = peer_fork();
  if (report.pid == 0) {
    CHECK_OK(setsid());
    pid_t orphan = (pid_t)CHECK_OK(fork());
    if (orphan == 0)
      for (;;) pause();
    peer_tell(&report, orphan);
    _exit(0);
  }
  const pid_t orphan = (pid_t)peer_hear(&report);
  wait_until_state(report.pid, report.pid, 'Z');

  peer_tell(up, 0);
  peer_hear(up);
  CHECK_EQ(getsid(0), getpid());
  CHECK_EQ(getsid(child.pid), old_session);
  peer_tell(&child, 0);
  CHECK_EQ(peer_hear(&child), getpid());
  CHECK_EQ(reap(child.pid), 5 << 8);
  CHECK_EQ(getsid(orphan), report.pid);
  CHECK_EQ(reap(report.pid), 0);
  CHECK_EQ(getsid(orphan), report.pid);  // lives on without its leader
  CHECK_OK(kill(orphan, SIGKILL));
  CHECK_EQ(reap(orphan), SIGKILL);
  CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
  _exit(0);
}

int main(void) {
  struct peer leader = peer_fork();
  if (leader.pid == 0) lead(&leader);
  peer_hear(&leader);
  STEP("sessions left and leaderless");
  peer_tell(&leader, 0);
  peer_end(&leader);
  subject_done();
}
