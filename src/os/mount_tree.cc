#include "os/mount_tree.h"

#include <fcntl.h>
#include <sys/mount.h>

namespace appshot {

namespace {

Result<UniqueFd> copy(int of, unsigned flags) {
  return UniqueFd(
      TRY_SYS(::open_tree(of, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | flags)));
}

}  // namespace

Result<UniqueFd> copy_mount(int of) { return copy(of, 0); }
Result<UniqueFd> copy_mounts(int of) { return copy(of, AT_RECURSIVE); }

Result<> make_read_only(int mount) {
  struct mount_attr read_only {};
  read_only.attr_set = MOUNT_ATTR_RDONLY;
  TRY_SYS(::mount_setattr(mount, "", AT_EMPTY_PATH | AT_RECURSIVE, &read_only, sizeof read_only));
  return {};
}

Result<> attach_mount(int mount, int where) {
  TRY_SYS(::move_mount(mount, "", where, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
  return {};
}

}  // namespace appshot
