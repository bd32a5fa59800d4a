// /proc of pid namespaces inside one another, each mounted in a mount namespace of its own over
// that of the one around it, and a copy of such a namespace.
#include "subject.h"

#include <sys/mount.h>

static void mount_proc(void) {
  CHECK_OK(unshare(CLONE_NEWNS));
  CHECK_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
  CHECK_OK(mount("proc", "/proc", "proc", MS_NOSUID, NULL));
}

static int depth_told(void) {
  char text[4096];
  read_text("/proc/self/status", text, sizeof text);
  int first = 0, second = 0;
  return sscanf(strstr(text, "NSpid:"), "NSpid:\t%d\t%d", &first, &second) == 1 ? first : -1;
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  CHECK_OK(unshare(CLONE_NEWPID));
  struct peer outer = peer_fork();
  if (outer.pid == 0) {
    mount_proc();
    struct peer copy = peer_fork();
    if (copy.pid == 0) {
      CHECK_OK(unshare(CLONE_NEWNS));
      peer_tell(&copy, 0);
      peer_hear(&copy);
      CHECK_EQ(depth_told(), getpid());
      _exit(0);
    }
    peer_hear(&copy);
    CHECK_OK(unshare(CLONE_NEWPID));
    struct peer inner = peer_fork();
    if (inner.pid == 0) {
      mount_proc();
      peer_tell(&inner, 0);
      peer_hear(&inner);
      CHECK_EQ(depth_told(), 1);
      CHECK_OK(umount("/proc"));  // that of the one around it
      char text[4096];
      read_text("/proc/1/comm", text, sizeof text);
      CHECK_OK(access("/proc/3/comm", R_OK));  // itself, there
      _exit(0);
    }
    peer_hear(&inner);
    peer_tell(&outer, 0);
    peer_hear(&outer);
    CHECK_EQ(depth_told(), 1);
    peer_tell(&copy, 0);
    peer_end(&copy);
    peer_tell(&inner, 0);
    peer_end(&inner);
    _exit(0);
  }
  peer_hear(&outer);
  STEP("mounted");
  peer_tell(&outer, 0);
  peer_end(&outer);
  subject_done();
}
