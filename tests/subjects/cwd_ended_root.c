// A root that is empty for ever, as sandboxes take it: a folder of /proc about a process that has
// ended, reached by a child that shared its folders.
#include "subject.h"

static int enter_own_folder(void* arg) {
  (void)arg;
  return chroot("/proc/self/fdinfo/") == 0 && chdir("/") == 0 ? 0 : 1;
}

static void check_empty(void) {
  CHECK_ERRNO(access("/proc", F_OK), ESRCH);
  CHECK_ERRNO(open("/", O_RDONLY | O_DIRECTORY), ESRCH);
  CHECK_ERRNO(chdir(".."), ESRCH);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  struct peer child[2];
  for (int i = 0; i < 2; ++i) {
    child[i] = peer_fork();
    if (child[i].pid == 0) {
      static char stack[64 * 1024] __attribute__((aligned(16)));
      pid_t helper =
          (pid_t)CHECK_OK(clone(enter_own_folder, stack + sizeof stack, CLONE_FS | SIGCHLD, NULL));
      reap_ok(helper);
      check_empty();
      peer_tell(&child[i], 0);
      peer_hear(&child[i]);
      check_empty();
      pid_t born = (pid_t)CHECK_OK(fork());
      if (born == 0) {
        check_empty();
        _exit(0);
      }
      reap_ok(born);
      _exit(0);
    }
    peer_hear(&child[i]);
  }
  STEP("nowhere");
  for (int i = 0; i < 2; ++i) {
    peer_tell(&child[i], 0);
    peer_end(&child[i]);
  }
  subject_done();
}
