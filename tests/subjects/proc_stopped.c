// Stopped children: one whose stop was already waited for, one whose stop was not; both go on after
// SIGCONT.
#include "subject.h"

static struct peer start_child(void) {
  struct peer child = peer_fork();
  if (child.pid == 0) {
    for (long count = 0;; ++count) {
      if (peer_hear(&child)) _exit(9);
      peer_tell(&child, count);
    }
  }
  peer_tell(&child, 0);
  CHECK_EQ(peer_hear(&child), 0);
  CHECK_OK(kill(child.pid, SIGSTOP));
  wait_until_state(child.pid, child.pid, 'T');
  return child;
}

static void go_on(struct peer* child) {
  int status = 0;
  CHECK_EQ(waitpid(child->pid, &status, WUNTRACED | WNOHANG), 0);  // the stop is consumed
  wait_until_state(child->pid, child->pid, 'T');
  CHECK_OK(kill(child->pid, SIGCONT));
  CHECK_EQ(waitpid(child->pid, &status, WCONTINUED), child->pid);
  CHECK(WIFCONTINUED(status));
  peer_tell(child, 0);
  CHECK_EQ(peer_hear(child), 1);
  peer_tell(child, 1);
  CHECK_EQ(reap(child->pid), 9 << 8);
}

int main(void) {
  int status = 0;
  struct peer consumed = start_child();
  CHECK_EQ(waitpid(consumed.pid, &status, WUNTRACED), consumed.pid);
  CHECK(WIFSTOPPED(status));
  struct peer unconsumed = start_child();
  STEP("stopped");
  CHECK_EQ(waitpid(unconsumed.pid, &status, WUNTRACED | WNOHANG), unconsumed.pid);
  CHECK(WIFSTOPPED(status));
  CHECK_EQ(WSTOPSIG(status), SIGSTOP);
  go_on(&consumed);
  STEP("one still stopped");
  go_on(&unconsumed);
  subject_done();
}
