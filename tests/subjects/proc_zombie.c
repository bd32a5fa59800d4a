// Zombies keep pid, exit code or signal and name, and can be waited for afterwards, once.
#include "subject.h"

#include <sys/resource.h>

static void check_zombie(pid_t pid, int code, int status) {
  siginfo_t info = {0};
  CHECK_OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
  CHECK_EQ(info.si_pid, pid);
  CHECK_EQ(info.si_code, code);
  CHECK_EQ(info.si_status, status);
  CHECK_EQ(info.si_uid, getuid());
}

int main(void) {
  pid_t exited = (pid_t)CHECK_OK(fork());
  if (exited == 0) _exit(42);
  pid_t killed = (pid_t)CHECK_OK(fork());
  if (killed == 0) {
    CHECK_OK(prctl(PR_SET_NAME, "victim"));
    raise(SIGKILL);
  }
  // One that tells of its end by another signal than SIGCHLD is waited for with __WCLONE.
  signal(SIGUSR2, SIG_IGN);
  pid_t clone = (pid_t)CHECK_OK(syscall(SYS_clone, SIGUSR2, 0, 0, 0, 0));
  if (clone == 0) _exit(7);
  pid_t other = (pid_t)CHECK_OK(fork());
  if (other == 0) _exit(setuid(1234) == 0 ? 3 : 4);
  wait_until_state(other, other, 'Z');
  wait_until_state(clone, clone, 'Z');
  wait_until_state(exited, exited, 'Z');
  wait_until_state(killed, killed, 'Z');
  STEP("zombies");
  check_zombie(exited, CLD_EXITED, 42);
  check_zombie(killed, CLD_KILLED, SIGKILL);
  siginfo_t of_other = {0};
  CHECK_OK(waitid(P_PID, (id_t)other, &of_other, WEXITED));
  if (of_other.si_status == 3) CHECK_EQ(of_other.si_uid, 1234);  // root may become another
  char path[64], text[64];
  snprintf(path, sizeof path, "/proc/%d/comm", killed);
  read_text(path, text, sizeof text);
  CHECK_STR(text, "victim\n");
  wait_until_state(killed, killed, 'Z');
  CHECK_OK(kill(exited, SIGTERM));  // a zombie takes signals without effect
  CHECK_EQ(reap(exited), 42 << 8);
  CHECK_ERRNO(kill(exited, 0), ESRCH);
  CHECK_EQ(reap(killed), SIGKILL);
  int status = 0;
  CHECK_EQ(waitpid(clone, &status, __WCLONE), clone);
  CHECK_EQ(status, 7 << 8);
  CHECK_ERRNO(waitpid(-1, NULL, __WALL), ECHILD);
  subject_done();
}
