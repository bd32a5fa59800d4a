// A shell of sorts in a terminal of ours: a job in the foreground, one in the background, one
// stopped by ^Z. Groups and states stay; they can be moved, go on, and are held to their places.
#include "subject_pty.h"

enum { kForeground, kBackground, kStopped, kCount };

// A job waits until it is told to read a line; the line's first letter is its exit status.
static pid_t start_job(void) {
  pid_t pid = (pid_t)CHECK_OK(fork());
  if (pid == 0) {
    char line[16] = {0};
    sigset_t told;
    int signo;
    CHECK_OK(setpgid(0, 0));
    CHECK(signal(SIGTTOU, SIG_DFL) != SIG_ERR);
    sigemptyset(&told);
    sigaddset(&told, SIGUSR1);
    CHECK_EQ(sigwait(&told, &signo), 0);
    _exit(read(0, line, sizeof line - 1) == 3 ? line[0] : 100);
  }
  CHECK_OK(setpgid(pid, pid));
  return pid;
}

static void to_foreground(pid_t job) {
  CHECK_OK(tcsetpgrp(0, job));
  CHECK_OK(kill(job, SIGUSR1));
  wait_until_blocked(job, job, "read");
}

static int next_status(pid_t pid) {
  int status = 0;
  CHECK_EQ(waitpid(pid, &status, WUNTRACED | WCONTINUED), pid);
  return status;
}

static void run_shell(const struct peer* up, struct pty* pty) {
  pid_t jobs[kCount];
  CHECK_EQ(setsid(), getpid());
  CHECK_OK(ioctl(pty->slave, TIOCSCTTY, 0));
  CHECK_OK(dup2(pty->slave, 0));
  CHECK(signal(SIGTTOU, SIG_IGN) != SIG_ERR);
  sigset_t told;
  sigemptyset(&told);
  sigaddset(&told, SIGUSR1);
  CHECK_OK(sigprocmask(SIG_BLOCK, &told, NULL));
  for (int i = 0; i < kCount; ++i) jobs[i] = start_job();
  to_foreground(jobs[kStopped]);
  peer_tell(up, 0);  // ^Z is typed
  int status = next_status(jobs[kStopped]);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
  to_foreground(jobs[kForeground]);
  wait_until_blocked(jobs[kBackground], jobs[kBackground], "rt_sigtimedwait");
  peer_tell(up, 0);
  peer_hear(up);
  CHECK_EQ(tcgetpgrp(0), jobs[kForeground]);
  CHECK_EQ(tcgetsid(0), getpid());
  for (int i = 0; i < kCount; ++i) CHECK_EQ(getpgid(jobs[i]), jobs[i]);
  CHECK_EQ(waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED), 0);
  wait_until_state(jobs[kStopped], jobs[kStopped], 'T');
  peer_tell(up, 0);  // a line is typed
  CHECK_EQ(next_status(jobs[kForeground]), 'f' << 8);
  CHECK_OK(tcsetpgrp(0, jobs[kStopped]));
  CHECK_OK(kill(-jobs[kStopped], SIGCONT));
  CHECK(WIFCONTINUED(next_status(jobs[kStopped])));
  peer_tell(up, 0);  // another
  CHECK_EQ(next_status(jobs[kStopped]), 's' << 8);
  CHECK_OK(tcsetpgrp(0, getpid()));
  pid_t reader = (pid_t)CHECK_OK(fork());
  if (reader == 0) {
    CHECK_OK(setpgid(0, 0));
    CHECK_OK(read(0, &(char){0}, 1));
    _exit(0);
  }
  status = next_status(reader);  // who is not in the foreground may not read
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
  CHECK_OK(kill(reader, SIGKILL));
  CHECK_EQ(next_status(reader), SIGKILL);
  to_foreground(jobs[kBackground]);
  peer_tell(up, 0);  // and the last
  CHECK_EQ(next_status(jobs[kBackground]), 'b' << 8);
  _exit(0);
}

int main(void) {
  struct pty pty = open_pty();
  struct peer shell = peer_fork();
  if (shell.pid == 0) run_shell(&shell, &pty);
  peer_hear(&shell);
  type(pty.master, "\x1a");
  peer_hear(&shell);
  STEP("three jobs");
  peer_tell(&shell, 0);
  for (int i = 0; i < kCount; ++i) {
    peer_hear(&shell);
    type(pty.master, (const char*[]){"fg\n", "st\n", "bg\n"}[i]);
  }
  peer_end(&shell);
  subject_done();
}
