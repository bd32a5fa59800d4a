// What an instance was restored from. Nobody has watched since what has changed, so all of this is
// only likely to be as it was: it is compared before it is used.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "image/schema/values.h"
#include "os/pids.h"
#include "resources/known_pages.h"

namespace appshot {

class Origin {
 public:
  explicit Origin(const image::ImageT& image);

  // Null: it had none.
  const KnownPages* of_process(VirtualPid process) const;
  const KnownPages* of_file(const std::string& name) const;  // as PrivateFile.path
  // Of the object behind a mapping that begins there.
  const KnownPages* of_shared_memory(VirtualPid process, uint64_t start) const;

  // What is kept at these offsets is not to be used any more.
  void forget_offsets(uint64_t first, uint64_t end);

 private:
  std::map<pid_t, KnownPages> processes_;
  std::map<std::string, KnownPages> files_;
  std::vector<KnownPages> shared_memory_;
  std::map<std::pair<pid_t, uint64_t>, size_t> mappings_;  // -> shared_memory_
};

}  // namespace appshot
