#include "os/mount_tree.h"

#include <fcntl.h>
#include <sys/mount.h>

namespace appshot {

namespace {

Result<UniqueFd> copy(int of, unsigned flags) {
  return UniqueFd(
      TRY_SYS(::open_tree(of, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | flags)));
}

Result<> set(int mount, uint64_t attributes) {
  struct mount_attr changed {};
  changed.attr_set = attributes;
  TRY_SYS(::mount_setattr(mount, "", AT_EMPTY_PATH | AT_RECURSIVE, &changed, sizeof changed));
  return {};
}

}  // namespace

Result<UniqueFd> copy_mount(int of) { return copy(of, 0); }
Result<UniqueFd> copy_mounts(int of) { return copy(of, AT_RECURSIVE); }

Result<> make_read_only(int mount) { return set(mount, MOUNT_ATTR_RDONLY); }

Result<> make_safe_and_read_only(int mount) {
  return set(mount, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

Result<> attach_mount(int mount, int where) {
  TRY_SYS(::move_mount(mount, "", where, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
  return {};
}

}  // namespace appshot
