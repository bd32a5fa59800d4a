// What a debugger watches in a process's debug registers: the write is told of after a restore, of
// one that runs and of one that stands still; and a stop that its tracer has asked for stays.
#include "subject_trace.h"

static volatile long watched;

static void set_debug_register(pid_t pid, int number, unsigned long value) {
  size_t at = offsetof(struct user, u_debugreg) + (size_t)number * sizeof(long);
  CHECK_OK(ptrace(PTRACE_POKEUSER, pid, at, value));
}

static void check_write(struct peer* child) {
  peer_tell(child, 5);
  CHECK_EQ(traced_stop(child->pid), SIGTRAP);
  siginfo_t info;
  CHECK_OK(ptrace(PTRACE_GETSIGINFO, child->pid, 0, &info));
  CHECK_EQ(info.si_code, TRAP_HWBKPT);
  CHECK_EQ(ptrace(PTRACE_PEEKDATA, child->pid, &watched, 0), 5);
  CHECK_OK(ptrace(PTRACE_CONT, child->pid, 0, 0));
}

int main(void) {
  struct peer child = peer_fork();
  if (child.pid == 0) {
    for (int i = 0; i < 2; ++i) watched = peer_hear(&child);
    _exit(0);
  }
  CHECK_OK(ptrace(PTRACE_SEIZE, child.pid, 0, PTRACE_O_EXITKILL));
  CHECK_OK(ptrace(PTRACE_INTERRUPT, child.pid, 0, 0));
  CHECK_EQ(traced_stop(child.pid), SIGTRAP | PTRACE_EVENT_STOP << 8);
  set_debug_register(child.pid, 0, (unsigned long)&watched);
  set_debug_register(child.pid, 7, 0xd0001UL);  // 8 bytes, when written
  STEP("standing still");
  CHECK_EQ(waitpid(child.pid, NULL, WNOHANG | __WALL), 0);
  siginfo_t info;
  CHECK_OK(ptrace(PTRACE_GETSIGINFO, child.pid, 0, &info));
  CHECK_EQ(info.si_code, SIGTRAP | PTRACE_EVENT_STOP << 8);
  CHECK_OK(ptrace(PTRACE_CONT, child.pid, 0, 0));
  check_write(&child);
  STEP("running");
  check_write(&child);
  peer_end(&child);
  subject_done();
}
