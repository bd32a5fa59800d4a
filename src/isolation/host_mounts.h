// The host's mounts that hold files (not the kernel's own views), outermost first.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace appshot {

struct HostMount {
  std::string point;
  std::string type;
  bool read_only = false;
};

std::vector<HostMount> parse_host_mounts(std::string_view mountinfo);
Result<std::vector<HostMount>> host_mounts();

// The folder a mount's private layer is kept in: "root", "home", "srv%data".
std::string layer_name(const std::string& mount_point);
std::string layer_mount_point(const std::string& layer);

}  // namespace appshot
