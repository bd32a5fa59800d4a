// nice, io priority, timer slack and oom_score_adj, per process.
#include "subject.h"

#include <sys/resource.h>

struct view {
  long nice, io, slack, oom;
};

static void get(struct view* view) {
  char text[32];
  view->nice = getpriority(PRIO_PROCESS, 0);
  view->io = CHECK_OK(syscall(SYS_ioprio_get, 1, 0));
  view->slack = CHECK_OK(prctl(PR_GET_TIMERSLACK));
  read_text("/proc/self/oom_score_adj", text, sizeof text);
  view->oom = atol(text);
}

static void check_same(const struct view* before) {
  struct view now;
  get(&now);
  CHECK_EQ(now.nice, before->nice);
  CHECK_EQ(now.io, before->io);
  CHECK_EQ(now.slack, before->slack);
  CHECK_EQ(now.oom, before->oom);
}

int main(void) {
  struct view before;
  struct peer child = peer_fork();
  if (child.pid == 0) {
    CHECK_OK(setpriority(PRIO_PROCESS, 0, 11));
    CHECK_OK(syscall(SYS_ioprio_set, 1, 0, 3 << 13));  // idle class
    CHECK_OK(prctl(PR_SET_TIMERSLACK, 123456));
    write_text("/proc/self/oom_score_adj", "700");
    get(&before);
    CHECK_EQ(before.oom, 700);
    peer_tell(&child, 0);
    peer_hear(&child);
    check_same(&before);
    _exit(0);
  }
  peer_hear(&child);
  CHECK_OK(setpriority(PRIO_PROCESS, 0, 4));
  CHECK_OK(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6));  // best effort, level 6
  CHECK_OK(prctl(PR_SET_TIMERSLACK, 77000));
  write_text("/proc/self/oom_score_adj", "300");
  get(&before);
  STEP("priorities");
  check_same(&before);
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
