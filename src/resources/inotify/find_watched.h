// The name of a file of which only inode and handle are known.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "resources/process_source.h"

namespace appshot::inotifies {

struct WatchedFile {
  int number = 0;
  uint64_t inode = 0;
  uint32_t device = 0;  // as the kernel numbers it inside: 12 bits major, 20 minor
  uint32_t mask = 0;
  int handle_type = 0;
  std::vector<uint8_t> handle;
};

// Looks at the process's folders and open files, their surroundings, the instance's own changes and
// the usual places, in this order; class not_found when it is in none of them. `root` is in front
// of every path but the result.
// `guess` is looked at first.
Result<std::string> find_watched(const std::string& root, const ProcessSource& process,
                                 const WatchedFile& file, const std::string& guess);

}  // namespace appshot::inotifies
