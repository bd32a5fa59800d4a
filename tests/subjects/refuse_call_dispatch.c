// A process that handles its system calls itself (PR_SET_SYSCALL_USER_DISPATCH).
#include "subject.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#endif

int main(void) {
  // Nothing is diverted while it says "allow".
  static volatile char selector = 0;
  if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector) != 0)
    subject_skip("PR_SET_SYSCALL_USER_DISPATCH: %s", strerror(errno));
  subject_expect(kNoDescriptor, "handles its own system calls");
  subject_hold();
  CHECK_OK(prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0));
  subject_done();
}
