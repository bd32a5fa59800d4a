// Pending process-directed signals: standard ones once, realtime ones queued in order, with code,
// sender and value.
#include "subject.h"

static void send(int signo, int value) {
  CHECK_OK(sigqueue(getpid(), signo, (union sigval){.sival_int = value}));
}

static void receive(const sigset_t* set, int signo, int code, int value) {
  siginfo_t info;
  struct timespec none = {0};
  CHECK_EQ(sigtimedwait(set, &info, &none), signo);
  CHECK_EQ(info.si_code, code);
  CHECK_EQ(info.si_pid, getpid());
  CHECK_EQ(info.si_uid, getuid());
  if (code == SI_QUEUE) CHECK_EQ(info.si_value.sival_int, value);
}

int main(void) {
  sigset_t all, pending;
  sigfillset(&all);
  CHECK_OK(sigprocmask(SIG_SETMASK, &all, NULL));
  CHECK_OK(kill(getpid(), SIGUSR1));
  CHECK_OK(kill(getpid(), SIGUSR1));
  send(SIGUSR2, 11);
  send(SIGUSR2, 12);  // a standard signal queues once
  for (int i = 0; i < 5; ++i) send(SIGRTMIN + 3, 100 + i);
  for (int i = 0; i < 3; ++i) send(SIGRTMIN + 1, 200 + i);
  CHECK_OK(kill(getpid(), SIGRTMIN + 1));
  STEP("pending");
  CHECK_OK(sigpending(&pending));
  for (int signo = 1; signo <= 64; ++signo)
    CHECK_EQ(sigismember(&pending, signo) == 1, signo == SIGUSR1 || signo == SIGUSR2 ||
                                                    signo == SIGRTMIN + 1 || signo == SIGRTMIN + 3);
  receive(&all, SIGUSR1, SI_USER, 0);
  receive(&all, SIGUSR2, SI_QUEUE, 11);
  receive(&all, SIGRTMIN + 1, SI_QUEUE, 200);
  STEP("some taken");
  for (int i = 1; i < 3; ++i) receive(&all, SIGRTMIN + 1, SI_QUEUE, 200 + i);
  receive(&all, SIGRTMIN + 1, SI_USER, 0);
  for (int i = 0; i < 5; ++i) receive(&all, SIGRTMIN + 3, SI_QUEUE, 100 + i);
  struct timespec none = {0};
  CHECK_ERRNO(sigtimedwait(&all, NULL, &none), EAGAIN);
  subject_done();
}
