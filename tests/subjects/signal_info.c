// What a signal says of its sender (si_code, si_pid, si_uid, si_value) when sent by kill, tgkill,
// sigqueue, a child.
#include "subject.h"

static void expect(const sigset_t* set, int signo, int code, pid_t pid, int value) {
  siginfo_t info;
  struct timespec none = {0};
  // the raw call: libc turns SI_TKILL into SI_USER
  CHECK_EQ(syscall(SYS_rt_sigtimedwait, set, &info, &none, 8), signo);
  CHECK_EQ(info.si_code, code);
  CHECK_EQ(info.si_pid, pid);
  CHECK_EQ(info.si_uid, getuid());
  CHECK_EQ(info.si_errno, 0);
  if (code < 0 && code != SI_TKILL) CHECK_EQ(info.si_value.sival_int, value);
}

int main(void) {
  sigset_t all;
  sigfillset(&all);
  CHECK_OK(sigprocmask(SIG_SETMASK, &all, NULL));
  pid_t self = getpid();
  pid_t child = (pid_t)CHECK_OK(fork());
  if (child == 0) {
    CHECK_OK(sigqueue(self, SIGRTMIN + 1, (union sigval){.sival_int = -5}));
    CHECK_OK(kill(self, SIGHUP));
    _exit(0);
  }
  reap_ok(child);  // the sender is gone by the time of the restore
  CHECK_EQ(sigtimedwait(&(sigset_t){{1ul << (SIGCHLD - 1)}}, NULL, &(struct timespec){0}), SIGCHLD);
  CHECK_OK(syscall(SYS_tgkill, self, gettid_raw(), SIGUSR2));
  siginfo_t made = {.si_code = -70};  // a code of the sender's own
  made.si_pid = self;
  made.si_uid = getuid();
  made.si_value.sival_int = 123456;
  CHECK_OK(syscall(SYS_rt_sigqueueinfo, self, SIGRTMIN + 2, &made));
  STEP("queued with their data");
  expect(&all, SIGUSR2, SI_TKILL, self, 0);
  expect(&all, SIGHUP, SI_USER, child, 0);
  expect(&all, SIGRTMIN + 1, SI_QUEUE, child, -5);
  expect(&all, SIGRTMIN + 2, -70, self, 123456);
  subject_done();
}
