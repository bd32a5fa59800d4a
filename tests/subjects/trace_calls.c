// A child whose system calls are followed, as strace does: it stands before a call, behind one, or
// waits in one. Before and behind it stays; one that waits is stopped with its call, which it makes
// again, and what it sleeps it sleeps in all.
#include "subject_trace.h"

enum { kStop = SIGTRAP | 0x80 };

// Lets it run to the next entry of that call.
static struct user_regs_struct run_to(pid_t pid, long number) {
  for (;;) {
    CHECK_OK(ptrace(PTRACE_SYSCALL, pid, 0, 0));
    CHECK_EQ(traced_stop(pid), kStop);
    struct user_regs_struct registers = traced_registers(pid);
    if ((long)registers.orig_rax == number && (long)registers.rax == -ENOSYS) return registers;
    CHECK_OK(ptrace(PTRACE_SYSCALL, pid, 0, 0));
    CHECK_EQ(traced_stop(pid), kStop);
  }
}

static int operation(pid_t pid) {
  struct __ptrace_syscall_info info;
  CHECK_OK(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info));
  return info.op;
}

// A call that was interrupted is made again, one that was not is over.
static void run_to_end(pid_t pid, long result) {
  for (;;) {
    CHECK_OK(ptrace(PTRACE_SYSCALL, pid, 0, 0));
    CHECK_EQ(traced_stop(pid), kStop);
    if (operation(pid) != PTRACE_SYSCALL_INFO_EXIT) continue;
    long now = (long)traced_registers(pid).rax;
    if (now == result) return;
    if (now > -kRestartsysError || now < -kRestartBlockError) FAIL("the call ended with %ld", now);
  }
}

int main(void) {
  struct peer child = peer_fork();
  if (child.pid == 0) {
    peer_tell(&child, 0);
    peer_hear(&child);
    long got = syscall(SYS_gettid);
    if (got != getpid()) _exit(1);
    long long start = now_ms(CLOCK_MONOTONIC);
    struct timespec second = {1, 0};
    if (syscall(SYS_nanosleep, &second, NULL) != 0) _exit(2);
    if (now_ms(CLOCK_MONOTONIC) - start < 1000) _exit(3);
    _exit(0);
  }
  peer_hear(&child);
  pid_t pid = child.pid;
  wait_until_blocked(pid, pid, "read");
  CHECK_OK(ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD));
  CHECK_OK(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
  CHECK_EQ(traced_stop(pid), SIGTRAP | PTRACE_EVENT_STOP << 8);
  peer_tell(&child, 0);
  struct user_regs_struct before = run_to(pid, SYS_gettid);
  STEP("before a call");
  CHECK_EQ(waitpid(pid, NULL, WNOHANG | __WALL), 0);
  struct user_regs_struct after = traced_registers(pid);
  CHECK_MEM(&after, &before, sizeof after);
  CHECK_EQ(operation(pid), PTRACE_SYSCALL_INFO_ENTRY);
  CHECK_OK(ptrace(PTRACE_SYSCALL, pid, 0, 0));
  wait_until_state(pid, pid, 't');
  STEP("behind a call");
  CHECK_EQ(traced_stop(pid), kStop);
  CHECK_EQ(operation(pid), PTRACE_SYSCALL_INFO_EXIT);
  CHECK_EQ(traced_registers(pid).rax, pid);
  STEP("and told");
  CHECK_EQ(waitpid(pid, NULL, WNOHANG | __WALL), 0);
  CHECK_EQ(traced_registers(pid).rax, pid);
  CHECK_EQ(operation(pid), PTRACE_SYSCALL_INFO_EXIT);
  run_to(pid, SYS_nanosleep);
  CHECK_OK(ptrace(PTRACE_SYSCALL, pid, 0, 0));
  nap_ms(20);
  STEP("in a call");
  CHECK_EQ(traced_stop(pid), kStop);
  if ((long)traced_registers(pid).rax != 0) run_to_end(pid, 0);
  CHECK_OK(ptrace(PTRACE_CONT, pid, 0, 0));
  peer_end(&child);
  subject_done();
}
