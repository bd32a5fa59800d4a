// What cannot be kept of tracing: a child at an event that its tracer wants to know of, and one
// whose tracer is traced itself.
#include "subject_trace.h"

int main(void) {
  struct peer tracer = peer_fork();
  if (tracer.pid == 0) {
    pid_t child = (pid_t)CHECK_OK(fork());
    if (child == 0) {
      pause();
      _exit(0);
    }
    CHECK_OK(ptrace(PTRACE_SEIZE, child, 0, 0));
    peer_tell(&tracer, 0);
    peer_hear(&tracer);
    CHECK_OK(kill(child, SIGKILL));
    CHECK_EQ(reap(child), SIGKILL);
    _exit(0);
  }
  peer_hear(&tracer);
  CHECK_OK(ptrace(PTRACE_SEIZE, tracer.pid, 0, 0));
  subject_expect(kAnyProcess, "which is not of the application, or is traced or stopped itself");
  subject_hold();
  CHECK_OK(ptrace(PTRACE_INTERRUPT, tracer.pid, 0, 0));
  CHECK_EQ(traced_stop(tracer.pid), SIGTRAP | PTRACE_EVENT_STOP << 8);
  CHECK_OK(ptrace(PTRACE_DETACH, tracer.pid, 0, 0));
  peer_tell(&tracer, 0);
  peer_end(&tracer);
  subject_done();
}
