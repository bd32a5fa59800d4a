// Many siblings of every kind (living, stopped, dead, with a session or a group of their own) are
// what they were, and the dead are waited for in the order of their birth.
#include "subject.h"

enum { kCount = 30, kKinds = 5 };
enum kind { living, stopped, dead, leads_session, leads_group };

static enum kind kind_of(int i) { return (enum kind)(i % kKinds); }

static void check(int i, pid_t pid) {
  CHECK_EQ(getpgid(pid),
           kind_of(i) == leads_session || kind_of(i) == leads_group ? pid : getpgrp());
  CHECK_EQ(getsid(pid), kind_of(i) == leads_session ? pid : getsid(0));
  if (kind_of(i) == stopped) wait_until_state(pid, pid, 'T');
  if (kind_of(i) == dead) wait_until_state(pid, pid, 'Z');
}

int main(void) {
  struct peer children[kCount];
  for (int i = 0; i < kCount; ++i) {
    children[i] = peer_fork();
    if (children[i].pid == 0) {
      for (int j = 0; j < i; ++j) close(children[j].tell), close(children[j].hear);
      if (kind_of(i) == leads_session) CHECK_OK(setsid());
      if (kind_of(i) == leads_group) CHECK_OK(setpgid(0, 0));
      peer_tell(&children[i], 0);
      if (kind_of(i) == dead) _exit(i);
      if (kind_of(i) == stopped) raise(SIGSTOP);
      long value = peer_hear(&children[i]);
      peer_tell(&children[i], value + getpid() + getppid());
      _exit(0);
    }
    peer_hear(&children[i]);
    if (kind_of(i) == stopped) wait_until_state(children[i].pid, children[i].pid, 'T');
    if (kind_of(i) == dead) wait_until_state(children[i].pid, children[i].pid, 'Z');
  }
  STEP("thirty of five kinds");
  for (int i = 0; i < kCount; ++i) check(i, children[i].pid);
  for (int i = dead; i < kCount; i += kKinds) {
    int status = 0;
    CHECK_EQ(waitpid(-1, &status, 0), children[i].pid);
    CHECK_EQ(status, i << 8);
  }
  for (int i = 0; i < kCount; ++i) {
    if (kind_of(i) == dead) continue;
    if (kind_of(i) == stopped) CHECK_OK(kill(children[i].pid, SIGCONT));
    peer_tell(&children[i], i);
    CHECK_EQ(peer_hear(&children[i]), i + children[i].pid + getpid());
    CHECK_EQ(reap(children[i].pid), 0);
  }
  CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
  subject_done();
}
