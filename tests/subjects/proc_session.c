// Sessions and process groups: ids are kept, a member can still be moved within its session but not
// out of it.
#include "subject.h"

static void report(const struct peer* up) {
  peer_tell(up, getpgid(0));
  peer_tell(up, getsid(0));
}

static void run_leader(struct peer* up) {
  CHECK_EQ(setsid(), getpid());
  struct peer member = peer_fork();  // a group of its own within the session
  if (member.pid == 0) {
    CHECK_OK(setpgid(0, 0));
    for (;;) {
      report(&member);
      if (peer_hear(&member)) _exit(0);
    }
  }
  for (int round = 0; round < 2; ++round) {
    CHECK_EQ(peer_hear(&member), member.pid);
    CHECK_EQ(peer_hear(&member), getpid());
    report(up);
    peer_hear(up);
    if (round == 0) peer_tell(&member, 0);
  }
  CHECK_OK(setpgid(member.pid, getpid()));
  CHECK_EQ(getpgid(member.pid), getpid());
  CHECK_ERRNO(setsid(), EPERM);
  peer_tell(&member, 1);
  peer_end(&member);
}

int main(void) {
  pid_t group = getpgid(0), session = getsid(0);
  struct peer leader = peer_fork();
  if (leader.pid == 0) {
    run_leader(&leader);
    _exit(0);
  }
  CHECK_EQ(peer_hear(&leader), leader.pid);
  CHECK_EQ(peer_hear(&leader), leader.pid);
  STEP("session");
  peer_tell(&leader, 0);
  CHECK_EQ(peer_hear(&leader), leader.pid);
  CHECK_EQ(peer_hear(&leader), leader.pid);
  CHECK_EQ(getsid(leader.pid), leader.pid);
  CHECK_EQ(getpgid(0), group);
  CHECK_EQ(getsid(0), session);
  CHECK_ERRNO(setpgid(leader.pid, group ? group : getpid()), EPERM);
  peer_tell(&leader, 0);
  peer_end(&leader);
  subject_done();
}
