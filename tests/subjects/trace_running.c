// Children that run while they are traced: seized, attached to, and traced by their own wish. They
// are still after a restore, with the options they had, and can be stopped and read as before.
#include "subject_trace.h"

static volatile int got;
static void count(int signal) { got = signal; }

static struct peer start(bool wishes) {
  struct peer child = peer_fork();
  if (child.pid != 0) return child;
  signal(SIGUSR1, count);
  if (wishes) {
    CHECK_OK(ptrace(PTRACE_TRACEME, 0, 0, 0));
    raise(SIGSTOP);
  }
  peer_tell(&child, 0);
  CHECK_EQ(peer_hear(&child), 7);
  CHECK_EQ(got, SIGUSR1);
  _exit(0);
}

// It stops before it gets a signal, and gets it.
static void check_signal(pid_t pid) {
  CHECK_OK(kill(pid, SIGUSR1));
  CHECK_EQ(traced_stop(pid), SIGUSR1);
  CHECK_OK(ptrace(PTRACE_CONT, pid, 0, SIGUSR1));
}

static void check_end(struct peer* child, bool tells) {
  peer_tell(child, 7);
  if (tells) {
    CHECK_EQ(traced_stop(child->pid), SIGTRAP | PTRACE_EVENT_EXIT << 8);
    unsigned long status = 1;
    CHECK_OK(ptrace(PTRACE_GETEVENTMSG, child->pid, 0, &status));
    CHECK_EQ(status, 0);
    CHECK_OK(ptrace(PTRACE_CONT, child->pid, 0, 0));
  }
  peer_end(child);
}

int main(void) {
  struct peer seized = start(false), attached = start(false), wishes = start(true);
  peer_hear(&seized), peer_hear(&attached);
  CHECK_OK(ptrace(PTRACE_SEIZE, seized.pid, 0, PTRACE_O_TRACEEXIT));
  CHECK_OK(ptrace(PTRACE_ATTACH, attached.pid, 0, 0));
  CHECK_EQ(traced_stop(attached.pid), SIGSTOP);
  CHECK_OK(ptrace(PTRACE_SETOPTIONS, attached.pid, 0, PTRACE_O_TRACEEXIT));
  CHECK_OK(ptrace(PTRACE_CONT, attached.pid, 0, 0));
  CHECK_EQ(traced_stop(wishes.pid), SIGSTOP);
  CHECK_OK(ptrace(PTRACE_CONT, wishes.pid, 0, 0));
  peer_hear(&wishes);
  for (int i = 0; i < 2; ++i) {
    STEP(i == 0 ? "running" : "running on");
    const struct peer* all[] = {&seized, &attached, &wishes};
    for (int one = 0; one < 3; ++one) {
      CHECK_EQ(waitpid(all[one]->pid, NULL, WNOHANG | __WALL), 0);
      check_traced_by_us(all[one]->pid);
      wait_until_blocked(all[one]->pid, all[one]->pid, "read");
    }
  }
  siginfo_t info;
  struct timespec none = {0};
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  CHECK_ERRNO(sigtimedwait(&child_signal, &info, &none), EAGAIN);
  CHECK_ERRNO(ptrace(PTRACE_INTERRUPT, attached.pid, 0, 0), EIO);
  CHECK_ERRNO(ptrace(PTRACE_INTERRUPT, wishes.pid, 0, 0), EIO);
  CHECK_OK(ptrace(PTRACE_INTERRUPT, seized.pid, 0, 0));
  CHECK_EQ(traced_stop(seized.pid), SIGTRAP | PTRACE_EVENT_STOP << 8);
  CHECK_OK(ptrace(PTRACE_CONT, seized.pid, 0, 0));
  check_signal(seized.pid), check_signal(attached.pid), check_signal(wishes.pid);
  check_end(&seized, true), check_end(&attached, true), check_end(&wishes, false);
  subject_done();
}
