// F_SETOWN, F_SETOWN_EX, F_SETSIG and O_ASYNC: owner and signal are kept, and readiness sends that
// signal.
#include "subject.h"

int main(void) {
  int fds[2];
  CHECK_OK(pipe(fds));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 7);
  sigaddset(&set, SIGIO);
  CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
  struct f_owner_ex owner = {F_OWNER_TID, gettid_raw()}, group = {F_OWNER_PGRP, getpgrp()}, now;
  if (group.pid == 0) group = (struct f_owner_ex){F_OWNER_PID, getpid()};
  CHECK_OK(fcntl(fds[0], F_SETOWN_EX, &owner));
  CHECK_OK(fcntl(fds[0], F_SETSIG, SIGRTMIN + 7));
  CHECK_OK(fcntl(fds[0], F_SETFL, O_ASYNC | O_NONBLOCK));
  CHECK_OK(fcntl(fds[1], F_SETOWN_EX, &group));
  STEP("owners");
  CHECK_OK(fcntl(fds[0], F_GETOWN_EX, &now));
  CHECK_EQ(now.type, owner.type);
  CHECK_EQ(now.pid, owner.pid);
  CHECK_EQ(fcntl(fds[0], F_GETSIG), SIGRTMIN + 7);
  CHECK_EQ(fcntl(fds[0], F_GETFL) & (O_ASYNC | O_NONBLOCK), O_ASYNC | O_NONBLOCK);
  CHECK_OK(fcntl(fds[1], F_GETOWN_EX, &now));
  CHECK_EQ(now.type, group.type);
  CHECK_EQ(now.pid, group.pid);
  CHECK_EQ(fcntl(fds[1], F_GETSIG), 0);
  struct timespec none = {0}, enough = {10, 0};
  siginfo_t info;
  CHECK_ERRNO(sigtimedwait(&set, &info, &none), EAGAIN);
  CHECK_EQ(write(fds[1], "x", 1), 1);
  CHECK_EQ(sigtimedwait(&set, &info, &enough), SIGRTMIN + 7);
  CHECK_EQ(info.si_fd, fds[0]);
  CHECK_EQ(info.si_code, POLL_IN);
  subject_done();
}
