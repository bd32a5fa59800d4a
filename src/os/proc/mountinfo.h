// The mounts of a namespace, as /proc/PID/mountinfo tells of them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace appshot::proc {

struct Mount {
  uint64_t id = 0, parent = 0;
  dev_t device = 0;     // of the file system
  std::string root;     // what of the file system is seen
  std::string point;    // where, from the reader's root
  std::string options;  // of the mount: "ro,nosuid,relatime"
  int group = 0, master = 0;
  bool unbindable = false;
  std::string type, source;
  std::string system_options;  // of the file system: "rw,size=4k"
  bool operator==(const Mount&) const = default;
};

// Blanks and backslashes are told as "\040" there.
std::string unescape_mountinfo(const std::string& text);

Result<std::vector<Mount>> parse_mountinfo(std::string_view text);

// Each of a comma-separated list.
std::vector<std::string> split_options(std::string_view options);

// MOUNT_ATTR_* of a mount's own options. An option that is none of them is class unsupported.
Result<uint64_t> mount_attributes(std::string_view options);

// A mount's point seen from its parent's: "" when they are the same.
std::string point_below(std::string_view parent, std::string_view point);

}  // namespace appshot::proc
