// A process without any rights that waits in vfork: it could not choose the id of its child.
#include "subject.h"

#include <grp.h>

static int told[2], let[2];
static char stack[65536] __attribute__((aligned(16)));

static int body(void* arg) {
  char byte = 1;
  if (write(told[1], &byte, 1) != 1 || read(let[0], &byte, 1) != 1) return 1;
  return getuid() == 65534 && geteuid() == 65534 && getgid() == 65533 ? 4 : 2;
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  char byte = 1;
  CHECK_OK(pipe(told));
  CHECK_OK(pipe(let));
  pid_t parent = (pid_t)CHECK_OK(fork());
  if (parent == 0) {
    const gid_t group = 65532;
    CHECK_OK(setgroups(1, &group));
    CHECK_OK(setresgid(65533, 65533, 65533));
    CHECK_OK(setresuid(65534, 65534, 65534));
    CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    pid_t pid =
        (pid_t)CHECK_OK(clone(body, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL));
    CHECK_EQ(reap(pid), 4 << 8);
    CHECK_EQ(getuid(), 65534);
    CHECK_ERRNO(setuid(0), EPERM);
    _exit(0);
  }
  CHECK_EQ(read(told[0], &byte, 1), 1);
  wait_until_state(parent, parent, 'D');
  STEP("waits");
  wait_until_state(parent, parent, 'D');
  CHECK_EQ(write(let[1], &byte, 1), 1);
  reap_ok(parent);
  subject_done();
}
