#include "packing/jail.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>

#include "os/file.h"
#include "os/mount_namespace.h"
#include "os/rights.h"

namespace appshot::packing {
namespace {

// Owners, modes, devices, file capabilities; SYS_ADMIN for extended attributes called trusted, by
// which overlayfs knows opaque folders.
constexpr uint64_t kRights = 1ULL << CAP_CHOWN | 1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_FOWNER |
                             1ULL << CAP_FSETID | 1ULL << CAP_MKNOD | 1ULL << CAP_SETFCAP |
                             1ULL << CAP_SYS_ADMIN;

}  // namespace

Result<> make_target(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return Error::from_errno(errno, "mkdir " + folder);
  if (TRY(list_folder(folder)).empty()) return {};
  return Error(ErrorClass::conflict, "the folder " + folder + " is not empty")
      .hint("give a new one");
}

Result<UniqueFd> enter_jail(const std::string& folder) {
  TRY_SYS(::unshare(CLONE_NEWNS));
  TRY_SYS(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr));
  const UniqueFd mount(
      TRY_SYS(::open_tree(AT_FDCWD, folder.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  // Files are made here, not used: no device is opened, and no program run.
  mount_attr change{};
  change.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  TRY_SYS(::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &change, sizeof change));
  // To be a root it must be mounted somewhere below the present one.
  TRY_SYS(::move_mount(mount.get(), "", AT_FDCWD, folder.c_str(), MOVE_MOUNT_F_EMPTY_PATH));
  TRY(make_root(mount.get()));
  TRY(keep_only_rights(kRights));
  return open_file("/", O_RDONLY | O_DIRECTORY);
}

}  // namespace appshot::packing
