// Has mounted and unmounted in the instance, without a namespace of its own.
#include "subject.h"

#include <sys/mount.h>

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  if (subject_cycles() == 0)
    CHECK_OK(unshare(CLONE_NEWNS)), CHECK_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
  CHECK_OK(mkdir(subject_path("on"), 0755));
  CHECK_OK(mount("memory", subject_path("on"), "tmpfs", 0, NULL));
  subject_expect(kAnyProcess, "has mounted a file system (tmpfs)");
  if (subject_cycles() > 0) {
    CHECK_OK(umount("/dev/mqueue"));
    subject_expect(kAnyProcess, "unmounted or remounted /dev/mqueue");
  }
  subject_hold();
  CHECK_OK(umount(subject_path("on")));
  subject_done();
}
