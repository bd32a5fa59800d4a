// Holds a pid namespace open.
#include "subject.h"

static pid_t hold_pids(void) {
  pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, 0);
  CHECK_OK(pid);
  if (pid == 0)
    for (;;) pause();
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/pid", pid);
  subject_expect((int)CHECK_OK(open(path, O_RDONLY | O_CLOEXEC)), "a namespace that is not");
  return pid;
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  pid_t first = hold_pids();
  subject_hold();
  CHECK_OK(kill(first, SIGKILL));
  CHECK_EQ(WTERMSIG(reap(first)), SIGKILL);
  subject_done();
}
