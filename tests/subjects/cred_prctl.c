// Flags set by prctl and personality: dumpable, no THP, subreaper, no randomisation, machine-check
// policy, TSC.
#include "subject.h"

#include <sys/personality.h>

struct view {
  long dumpable, thp_disable, persona, mce_kill, subreaper, tsc, speculation;
};

static void get(struct view* view) {
  int subreaper = 0, tsc = 0;
  view->dumpable = CHECK_OK(prctl(PR_GET_DUMPABLE));
  view->thp_disable = CHECK_OK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  view->persona = CHECK_OK(personality(0xffffffff));
  view->mce_kill = CHECK_OK(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
  CHECK_OK(prctl(PR_GET_CHILD_SUBREAPER, &subreaper));
  CHECK_OK(prctl(PR_GET_TSC, &tsc));
  view->subreaper = subreaper;
  view->tsc = tsc;
}

static void check_same(const struct view* before) {
  struct view now;
  get(&now);
  CHECK_EQ(now.dumpable, before->dumpable);
  CHECK_EQ(now.thp_disable, before->thp_disable);
  CHECK_EQ(now.persona, before->persona);
  CHECK_EQ(now.mce_kill, before->mce_kill);
  CHECK_EQ(now.subreaper, before->subreaper);
  CHECK_EQ(now.tsc, before->tsc);
}

int main(void) {
  struct view before;
  struct peer child = peer_fork();
  if (child.pid == 0) {
    CHECK_OK(prctl(PR_SET_DUMPABLE, 0));
    CHECK_OK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
    CHECK_OK(personality(ADDR_NO_RANDOMIZE | UNAME26));
    CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
    CHECK_OK(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
    get(&before);
    CHECK_EQ(before.thp_disable, 1);
    peer_tell(&child, 0);
    peer_hear(&child);
    check_same(&before);
    _exit(0);
  }
  peer_hear(&child);
  get(&before);
  STEP("flags");
  check_same(&before);
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
