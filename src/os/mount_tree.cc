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

Result<> map_ids(int mount, int users) {
  struct mount_attr changed {};
  changed.attr_set = MOUNT_ATTR_IDMAP;
  changed.userns_fd = static_cast<uint64_t>(users);
  if (::mount_setattr(mount, "", AT_EMPTY_PATH, &changed, sizeof changed) == 0) return {};
  if (errno != EINVAL) return Error::from_errno(errno, "mount_setattr");
  return Error(ErrorClass::unsupported,
               "the kernel cannot give files there other owners (an idmapped mount)")
      .hint("ext4, xfs, btrfs, tmpfs and others can be seen so, an overlay or NFS cannot");
}

Result<> attach_mount(int mount, int where) {
  TRY_SYS(::move_mount(mount, "", where, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
  return {};
}

}  // namespace appshot
