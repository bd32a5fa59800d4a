// What an instance that has ended has changed, as the files of a layer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace appshot {

// The private layer of each file system moves to its place below `files`, which is made by it.
// `places`: paths on which something was mounted; one that is empty there is no change. False:
// nothing was changed.
Result<bool> gather_changes(const std::string& private_layers, const std::string& files,
                            const std::vector<std::string>& places);

// What the files of a tree take on the disk, one that has several names once.
Result<int64_t> bytes_of_tree(const std::string& folder);

}  // namespace appshot
