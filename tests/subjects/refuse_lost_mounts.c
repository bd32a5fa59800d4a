// What is open on mounts that are nowhere: one that was unmounted while it was in use, and one that
// has not been mounted yet.
#include "subject_mounts.h"

int main(void) {
  mounts_begin();
  CHECK_OK(mkdir(subject_path("on"), 0755));
  CHECK_OK(mount("lost", subject_path("on"), "tmpfs", 0, NULL));
  write_text(subject_path("on/file"), "lost");
  int file = (int)CHECK_OK(open(subject_path("on/file"), O_RDONLY));
  CHECK_OK(umount2(subject_path("on"), MNT_DETACH));
  subject_expect(kAnyProcess,
                 "/file is in use, and it is covered by another mount or was unmounted");
  int tree = (int)CHECK_OK(syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */));
  subject_expect(kAnyProcess, "a mount that is nowhere is held open");
  subject_hold();
  CHECK_OK(close(file));
  CHECK_OK(close(tree));
  subject_done();
}
