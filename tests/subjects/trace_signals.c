// Traced children that stand before a signal: at a breakpoint, at a signal with a value, and at one
// of which their tracer has not heard yet. What it is told of them is the same after a restore, and
// so is what becomes of them.
#include "subject_trace.h"

static volatile int value;
static void take(int signal, siginfo_t* info, void* context) { value = info->si_value.sival_int; }

static pid_t start(bool seized, int how) {
  struct peer child = peer_fork();
  if (child.pid == 0) {
    struct sigaction action = {.sa_sigaction = take, .sa_flags = SA_SIGINFO};
    CHECK_OK(sigaction(SIGRTMIN + 1, &action, NULL));
    if (!seized) {
      CHECK_OK(ptrace(PTRACE_TRACEME, 0, 0, 0));
      raise(SIGSTOP);
    }
    peer_tell(&child, 0);
    peer_hear(&child);
    register long kept __asm__("r12") = 4711;
    if (how == 0) __asm__ volatile("int3" : "+r"(kept));
    if (how == 1) CHECK_OK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 808}));
    if (how == 2) CHECK_OK(kill(getpid(), SIGTERM));
    _exit(how == 0 ? kept == 4711 ? 0 : 1 : value == 808 ? 0 : 2);
  }
  if (seized) {
    CHECK_OK(ptrace(PTRACE_SEIZE, child.pid, 0, PTRACE_O_TRACESYSGOOD));
  } else {
    CHECK_EQ(traced_stop(child.pid), SIGSTOP);
    CHECK_OK(ptrace(PTRACE_CONT, child.pid, 0, 0));
  }
  peer_hear(&child);
  peer_tell(&child, 0);
  wait_until_state(child.pid, child.pid, 't');
  return child.pid;
}

static siginfo_t told(pid_t pid) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  CHECK_OK(ptrace(PTRACE_GETSIGINFO, pid, 0, &info));
  return info;
}

static void check_all(bool seized) {
  pid_t breakpoint = start(seized, 0), queued = start(seized, 1), unheard = start(seized, 2);
  CHECK_EQ(traced_stop(breakpoint), SIGTRAP);
  CHECK_EQ(traced_stop(queued), SIGRTMIN + 1);
  const struct user_regs_struct before = traced_registers(breakpoint);
  const siginfo_t told_before = told(breakpoint);
  CHECK_EQ(before.r12, 4711);
  STEP(seized ? "seized before signals" : "before signals");
  const struct user_regs_struct after = traced_registers(breakpoint);
  const siginfo_t told_after = told(breakpoint);
  CHECK_MEM(&after, &before, sizeof after);
  CHECK_MEM(&told_after, &told_before, sizeof told_after);
  CHECK_EQ(waitpid(breakpoint, NULL, WNOHANG | __WALL), 0);
  CHECK_EQ(waitpid(queued, NULL, WNOHANG | __WALL), 0);
  CHECK_EQ(told(queued).si_value.sival_int, 808);
  CHECK_EQ(told(queued).si_pid, queued);
  STEP(seized ? "seized, read since" : "read since");
  CHECK_EQ(traced_stop(unheard), SIGTERM);
  CHECK_EQ(told(unheard).si_pid, unheard);
  CHECK_OK(ptrace(PTRACE_CONT, breakpoint, 0, 0));
  reap_ok(breakpoint);
  CHECK_OK(ptrace(PTRACE_CONT, queued, 0, SIGRTMIN + 1));
  reap_ok(queued);
  CHECK_OK(ptrace(PTRACE_CONT, unheard, 0, SIGTERM));
  CHECK_EQ(reap(unheard), SIGTERM);
}

int main(void) {
  check_all(true);
  check_all(false);
  subject_done();
}
