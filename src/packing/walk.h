// All files of a folder, in an order that only their names decide: a folder before what is in it,
// names by their bytes. Names are taken from folders that are open, one at a time: no link is
// followed, wherever it leads.
//
// Uses the working directory, as tree.h does, and comes back to where it was.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"
#include "packing/entry.h"

namespace appshot::packing {

// Where a visited entry's file is: by its name in its folder, while it is visited.
struct Place {
  int folder;
  std::string name;
  uint64_t inode;
  // To read. A file that has been replaced since is an error.
  Result<UniqueFd> open() const;
};

class Walk {
 public:
  using Visit = std::function<Result<>(Entry& entry, const Place& place)>;
  explicit Walk(Visit visit) : visit_(std::move(visit)) {}

  // The folder itself first, as `path`. Called for several, it knows hard links between them.
  // Sockets are left out and counted; what is mounted in it is named and not entered.
  Result<> visit_tree(int folder, const std::string& path);

  uint64_t sockets() const { return sockets_; }
  const std::vector<std::string>& mounts() const { return mounts_; }

 private:
  Result<> visit_root(int folder, const std::string& path);
  Result<> visit_folder(int folder, const std::string& path, size_t depth);
  Result<> visit_entry(int folder, const std::string& name, const std::string& path, size_t depth);

  Visit visit_;
  uint64_t mount_ = 0;
  uint64_t sockets_ = 0;
  std::vector<std::string> mounts_;
  std::map<std::pair<uint64_t, uint64_t>, std::string> linked_;  // device, inode: the first name
};

}  // namespace appshot::packing
