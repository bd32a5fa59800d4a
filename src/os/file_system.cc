#include "os/file_system.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>

namespace appshot {
namespace {

constexpr std::array<uint32_t, 5> kReserving{EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
                                             F2FS_SUPER_MAGIC, TMPFS_MAGIC};

}  // namespace

Result<bool> reserves_room_when_written(const std::string& path) {
  struct statfs info {};
  if (::statfs(path.c_str(), &info) != 0) return Error::from_errno(errno, "statfs " + path);
  return std::ranges::find(kReserving, static_cast<uint32_t>(info.f_type)) != kReserving.end();
}

}  // namespace appshot
