// A pending SIGCHLD keeps who, how and what of the child that died; the child is still there to
// wait for.
#include "subject.h"

int main(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
  pid_t child = (pid_t)CHECK_OK(fork());
  if (child == 0) _exit(21);
  wait_until_state(child, child, 'Z');
  STEP("SIGCHLD pending");
  siginfo_t info;
  struct timespec none = {0};
  CHECK_EQ(sigtimedwait(&set, &info, &none), SIGCHLD);
  CHECK_EQ(info.si_code, CLD_EXITED);
  CHECK_EQ(info.si_pid, child);
  CHECK_EQ(info.si_uid, getuid());
  CHECK_EQ(info.si_status, 21);
  CHECK_ERRNO(sigtimedwait(&set, &info, &none), EAGAIN);
  CHECK_EQ(reap(child), 21 << 8);
  subject_done();
}
