// A child in strict seccomp mode: it still may read and write, and anything else still kills it.
#include "subject.h"

#include <linux/seccomp.h>

int main(void) {
  struct peer child = peer_fork();
  if (child.pid == 0) {
    long word = 0;
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) _exit(1);
    while (syscall(SYS_read, child.hear, &word, sizeof word) == sizeof word && word != 0) {
      word *= 2;
      syscall(SYS_write, child.tell, &word, sizeof word);
    }
    syscall(SYS_getpid);  // kills
    syscall(SYS_exit, 3);
  }
  peer_tell(&child, 4);
  CHECK_EQ(peer_hear(&child), 8);
  STEP("strict");
  peer_tell(&child, 21);
  CHECK_EQ(peer_hear(&child), 42);
  peer_tell(&child, 0);
  CHECK_EQ(reap(child.pid) & 0x7f, SIGKILL);
  subject_done();
}
