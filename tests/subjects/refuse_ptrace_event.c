// Holds a child at an event that it wants to know of.
#include "subject_trace.h"

int main(void) {
  struct peer child = peer_fork();
  if (child.pid == 0) {
    peer_tell(&child, 0);
    peer_hear(&child);
    _exit(4);
  }
  peer_hear(&child);
  CHECK_OK(ptrace(PTRACE_SEIZE, child.pid, 0, PTRACE_O_TRACEEXIT));
  peer_tell(&child, 0);
  CHECK_EQ(traced_stop(child.pid), SIGTRAP | PTRACE_EVENT_EXIT << 8);
  subject_expect(kAnyProcess, "stands at an event of which its tracer wants to know");
  subject_hold();
  CHECK_OK(ptrace(PTRACE_CONT, child.pid, 0, 0));
  CHECK_EQ(reap(child.pid), 4 << 8);
  subject_done();
}
