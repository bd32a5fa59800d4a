// pidfds of a child, of itself and of a zombie: signals through them, poll, waitid by pidfd.
#include "subject.h"

#include <poll.h>

int main(void) {
  pid_t living = (pid_t)CHECK_OK(fork());
  if (living == 0)
    for (;;) pause();
  pid_t dead = (pid_t)CHECK_OK(fork());
  if (dead == 0) _exit(6);
  wait_until_state(dead, dead, 'Z');
  int living_fd = (int)CHECK_OK(syscall(SYS_pidfd_open, living, 0));
  int dead_fd = (int)CHECK_OK(syscall(SYS_pidfd_open, dead, 0));
  int own_fd = (int)CHECK_OK(syscall(SYS_pidfd_open, getpid(), O_NONBLOCK));
  STEP("pidfds");
  struct pollfd fds[] = {{.fd = living_fd, .events = POLLIN}, {.fd = dead_fd, .events = POLLIN}};
  CHECK_EQ(poll(fds, 2, 0), 1);
  CHECK_EQ(fds[1].revents & POLLIN, POLLIN);
  CHECK_EQ(fcntl(own_fd, F_GETFD), FD_CLOEXEC);
  CHECK_EQ(fcntl(own_fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  CHECK_OK(syscall(SYS_pidfd_send_signal, own_fd, 0, NULL, 0));
  siginfo_t info = {0};
  CHECK_OK(syscall(SYS_waitid, 3 /* P_PIDFD */, dead_fd, &info, WEXITED, NULL));
  CHECK_EQ(info.si_pid, dead);
  CHECK_EQ(info.si_status, 6);
  CHECK_ERRNO(syscall(SYS_pidfd_send_signal, dead_fd, SIGTERM, NULL, 0), ESRCH);
  STEP("one reaped");
  CHECK_ERRNO(syscall(SYS_pidfd_send_signal, dead_fd, SIGTERM, NULL, 0), ESRCH);
  CHECK_OK(syscall(SYS_pidfd_send_signal, living_fd, SIGTERM, NULL, 0));
  CHECK_EQ(poll(fds, 1, 10000), 1);
  CHECK_EQ(reap(living), SIGTERM);
  subject_done();
}
