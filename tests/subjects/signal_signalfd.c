// signalfd: its mask and flags, signals pending behind it with their data, and signals that come
// afterwards.
#include "subject.h"

#include <poll.h>
#include <sys/signalfd.h>

static void take(int fd, int signo, int code, int value) {
  struct signalfd_siginfo info;
  CHECK_EQ(read(fd, &info, sizeof info), sizeof info);
  CHECK_EQ(info.ssi_signo, signo);
  CHECK_EQ(info.ssi_code, code);
  CHECK_EQ(info.ssi_pid, getpid());
  if (code == SI_QUEUE) CHECK_EQ(info.ssi_int, value);
}

int main(void) {
  sigset_t set, all;
  sigfillset(&all);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMIN + 1);
  CHECK_OK(sigprocmask(SIG_SETMASK, &all, NULL));
  int fd = (int)CHECK_OK(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  CHECK_OK(kill(getpid(), SIGUSR1));
  CHECK_OK(kill(getpid(), SIGUSR2));
  for (int i = 0; i < 3; ++i)
    CHECK_OK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i}));
  STEP("pending");
  CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  take(fd, SIGUSR1, SI_USER, 0);
  for (int i = 0; i < 3; ++i) take(fd, SIGRTMIN + 1, SI_QUEUE, i);
  struct signalfd_siginfo info;
  CHECK_ERRNO(read(fd, &info, sizeof info), EAGAIN);  // SIGUSR2 is not in its mask
  struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
  CHECK_EQ(poll(&poll_fd, 1, 0), 0);
  STEP("empty");
  CHECK_EQ(poll(&poll_fd, 1, 0), 0);
  CHECK_OK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 9}));
  CHECK_EQ(poll(&poll_fd, 1, 1000), 1);
  take(fd, SIGRTMIN + 1, SI_QUEUE, 9);
  sigaddset(&set, SIGUSR2);
  CHECK_EQ(signalfd(fd, &set, 0), fd);
  take(fd, SIGUSR2, SI_USER, 0);
  subject_done();
}
