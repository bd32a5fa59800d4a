// A process stopped in the middle of a sleep and of a read: after SIGCONT both calls go on without
// EINTR.
#include "subject.h"

int main(void) {
  int fds[2];
  CHECK_OK(pipe(fds));
  pid_t pids[2];
  for (int i = 0; i < 2; ++i) {
    pids[i] = (pid_t)CHECK_OK(fork());
    if (pids[i] == 0) {
      char byte;
      struct timespec ts = {0, 300000000};
      if (i == 0) CHECK_EQ(read(fds[0], &byte, 1), 1);
      if (i == 1) CHECK_OK(syscall(SYS_nanosleep, &ts, NULL));
      _exit(0);
    }
    wait_until_blocked(pids[i], pids[i], i == 0 ? "read" : "nanosleep");
    CHECK_OK(kill(pids[i], SIGSTOP));
    CHECK_EQ(waitpid(pids[i], NULL, WUNTRACED), pids[i]);
  }
  STEP("stopped inside calls");
  for (int i = 0; i < 2; ++i) {
    wait_until_state(pids[i], pids[i], 'T');
    CHECK_OK(kill(pids[i], SIGCONT));
  }
  wait_until_blocked(pids[0], pids[0], "read");
  CHECK_EQ(write(fds[1], "x", 1), 1);
  reap_ok(pids[0]);
  reap_ok(pids[1]);
  subject_done();
}
