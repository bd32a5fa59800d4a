// A pid namespace in which nobody was born yet; one whose first process was killed and is not
// waited for; one inside another; and a process that has come into one from outside.
#include "subject.h"

static void check_unborn(struct peer* child) {
  CHECK_OK(unshare(CLONE_NEWPID));
  peer_tell(child, 0);
  peer_hear(child);
  pid_t first = (pid_t)CHECK_OK(fork());
  if (first == 0) _exit(getpid() == 1 ? 0 : 1);
  reap_ok(first);
}

static void check_killed(struct peer* child) {
  CHECK_OK(unshare(CLONE_NEWPID));
  pid_t first = (pid_t)CHECK_OK(fork());
  if (first == 0)
    for (;;) pause();
  CHECK_OK(kill(first, SIGKILL));
  wait_until_state(first, first, 'Z');
  peer_tell(child, 0);
  peer_hear(child);
  CHECK_ERRNO(fork(), ENOMEM);
  CHECK_EQ(WTERMSIG(reap(first)), SIGKILL);
}

static void check_nested(struct peer* child) {
  CHECK_OK(unshare(CLONE_NEWPID));
  struct peer first = peer_fork();
  if (first.pid != 0) {
    CHECK_EQ(peer_hear(&first), 0);
    peer_tell(child, 0);
    peer_hear(child);
    peer_tell(&first, 0);
    peer_end(&first);
    return;
  }
  CHECK_EQ(getpid(), 1);
  pid_t other = (pid_t)CHECK_OK(fork());
  if (other == 0)
    for (;;) pause();
  CHECK_OK(unshare(CLONE_NEWPID));
  struct peer second = peer_fork();
  if (second.pid == 0) {
    CHECK_EQ(getpid(), 1);
    pid_t third = (pid_t)CHECK_OK(fork());
    if (third == 0)
      for (;;) pause();
    peer_tell(&second, third);
    peer_hear(&second);
    CHECK_EQ(getpid(), 1);
    CHECK_EQ(getppid(), 0);
    CHECK_OK(kill(third, SIGTERM));
    CHECK_EQ(WTERMSIG(reap(third)), SIGTERM);
    _exit(0);
  }
  CHECK_EQ(second.pid, other + 1);
  CHECK_EQ(peer_hear(&second), 2);
  peer_tell(&first, 0);
  peer_hear(&first);
  CHECK_OK(kill(other, SIGTERM));
  CHECK_EQ(WTERMSIG(reap(other)), SIGTERM);
  peer_tell(&second, 0);
  peer_end(&second);
  _exit(0);
}

static void check_visitor(struct peer* child) {
  pid_t first = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, 0);
  CHECK_OK(first);
  if (first == 0)
    for (;;) pause();
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/pid", first);
  int space = (int)CHECK_OK(open(path, O_RDONLY | O_CLOEXEC));
  CHECK_OK(setns(space, CLONE_NEWPID));
  CHECK_OK(close(space));
  struct peer visitor = peer_fork();
  if (visitor.pid == 0) {
    peer_tell(&visitor, getpid());
    peer_hear(&visitor);
    CHECK_EQ(getpid(), 2);
    CHECK_EQ(getppid(), 0);
    _exit(0);
  }
  CHECK_EQ(peer_hear(&visitor), 2);
  peer_tell(child, 0);
  peer_hear(child);
  peer_tell(&visitor, 0);
  peer_end(&visitor);
  CHECK_OK(kill(first, SIGKILL));
  CHECK_EQ(WTERMSIG(reap(first)), SIGKILL);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  const peer_body checks[] = {check_unborn, check_killed, check_nested, check_visitor};
  enum { kCount = sizeof checks / sizeof checks[0] };
  struct peer children[kCount];
  peers_start(children, checks, kCount);
  STEP("all");
  peers_end(children, kCount);
  subject_done();
}
