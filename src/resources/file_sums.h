// Sums of the content of files that need not be read again, as long as a file has the stamp that it
// had before it was read. The harness keeps them from one snapshot to the next.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "image/schema/values.h"
#include "resources/file_stamp.h"

namespace appshot {

class FileSums {
 public:
  std::optional<image::ContentSum> find(const FileStamp& now) {
    auto found = sums_.find({now.device, now.inode});
    if (found == sums_.end() || found->second.stamp != now) return {};
    used_.insert(found->first);
    return found->second.sum;
  }
  void remember(const FileStamp& stamp, const image::ContentSum& sum) {
    const Identity identity{stamp.device, stamp.inode};
    sums_.insert_or_assign(identity, Known{stamp, sum});
    used_.insert(identity);
  }
  // What was neither found nor remembered since this was called last.
  void forget_unused() {
    std::erase_if(sums_, [&](const auto& known) { return !used_.contains(known.first); });
    used_.clear();
  }

 private:
  using Identity = std::pair<uint64_t, uint64_t>;  // device and inode
  struct Known {
    FileStamp stamp;
    image::ContentSum sum;
  };
  std::map<Identity, Known> sums_;
  std::set<Identity> used_;
};

}  // namespace appshot
