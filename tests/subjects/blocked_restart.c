// A sleep already restarted once (it sits in restart_syscall) still ends when it should, after a
// stop and continue.
#include "subject.h"

int main(void) {
  struct peer child = peer_fork();
  if (child.pid == 0) {
    long ms = timeout_ms() * 2;
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
    peer_tell(&child, 0);
    long long begin = now_ms(CLOCK_MONOTONIC);
    CHECK_OK(syscall(SYS_nanosleep, &ts, NULL));
    CHECK_NEAR(now_ms(CLOCK_MONOTONIC) - begin, ms, kToleranceMs);
    _exit(0);
  }
  peer_hear(&child);
  wait_until_blocked(child.pid, child.pid, "nanosleep");
  CHECK_OK(kill(child.pid, SIGSTOP));
  CHECK_EQ(waitpid(child.pid, NULL, WUNTRACED), child.pid);
  CHECK_OK(kill(child.pid, SIGCONT));
  wait_until_blocked(child.pid, child.pid, "nanosleep");
  char path[64], text[128];
  snprintf(path, sizeof path, "/proc/%d/syscall", child.pid);
  read_text(path, text, sizeof text);
  CHECK_EQ(atol(text), SYS_restart_syscall);
  STEP("in restart_syscall");
  peer_end(&child);
  subject_done();
}
