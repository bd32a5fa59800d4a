// What an instance sees as its files: the host's, each file system under a private layer, with
// /proc, /dev, /dev/shm, /dev/mqueue and /run/appshot of its own. Built in the instance's own mount
// namespace by its init.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "isolation/share.h"

namespace appshot {

struct FileWorld {
  Share share;
  std::string root;    // empty folder on which the new root is assembled
  std::string layers;  // one folder for each private layer; lives as long as the instance
  std::string info;    // becomes /run/appshot, read-only
  std::vector<std::string> hidden;  // folders of the host that are empty inside
};

// What every new instance has in its /dev.
std::span<const std::string_view> names_in_dev();

// Call in a fresh mount namespace; the caller's root is the instance's afterwards.
Result<> enter_file_world(const FileWorld& world);

}  // namespace appshot
