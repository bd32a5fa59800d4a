// A child stopped by another stop signal reports that signal; a continue not waited for is still
// there to wait for.
#include "subject.h"

static pid_t start_child(void) {
  pid_t pid = (pid_t)CHECK_OK(fork());
  if (pid == 0)
    for (;;) pause();
  CHECK_OK(
      setpgid(pid, pid));  // its group is not orphaned: we are in another group of the same session
  return pid;
}

int main(void) {
  int status = 0;
  pid_t stopped = start_child(), continued = start_child();
  CHECK_OK(kill(stopped, SIGTTIN));
  wait_until_state(stopped, stopped, 'T');
  CHECK_OK(kill(continued, SIGSTOP));
  CHECK_EQ(waitpid(continued, &status, WUNTRACED), continued);
  CHECK_OK(kill(continued, SIGCONT));
  wait_until_state(continued, continued, 'S');
  STEP("stopped by a terminal signal");
  CHECK_EQ(waitpid(stopped, &status, WUNTRACED | WNOHANG), stopped);
  CHECK_EQ(WSTOPSIG(status), SIGTTIN);
  CHECK_EQ(waitpid(continued, &status, WCONTINUED | WNOHANG), continued);
  CHECK(WIFCONTINUED(status));
  CHECK_OK(kill(stopped, SIGKILL));
  CHECK_OK(kill(continued, SIGKILL));
  CHECK_EQ(reap(stopped), SIGKILL);
  CHECK_EQ(reap(continued), SIGKILL);
  subject_done();
}
