// Holds a child it traces, as a debugger does.
#include "subject.h"

#include <sys/ptrace.h>

int main(void) {
  pid_t child = (pid_t)CHECK_OK(fork());
  if (child == 0) {
    CHECK_OK(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    raise(SIGSTOP);
    _exit(4);
  }
  int status = 0;
  CHECK_EQ(waitpid(child, &status, 0), child);
  CHECK(WIFSTOPPED(status));
  subject_expect(kAnyProcess, "trace");
  subject_hold();
  errno = 0;
  CHECK_OK(ptrace(PTRACE_CONT, child, NULL, NULL));
  CHECK_EQ(reap(child), 4 << 8);
  subject_done();
}
