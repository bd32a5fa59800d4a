// What an application has mounted or unmounted in its instance since that was made.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace appshot {

struct MountChange {
  std::string point;
  std::string type;
  bool mounted = false;  // else it is there no more, or with other options
  bool operator==(const MountChange&) const = default;
};

// Of two mountinfo texts of one mount namespace.
std::vector<MountChange> mount_changes(std::string_view before, std::string_view now);

}  // namespace appshot
