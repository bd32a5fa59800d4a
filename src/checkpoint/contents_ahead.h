// Files of the private layers and shared memory, copied while the application runs: what has not
// changed by then need not be written while it stands still, and files that nobody has open for
// writing need not even be read.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "resources/instance_view.h"
#include "resources/page_copies.h"

namespace appshot {

class ContentsAhead {
 public:
  // Those that are large and may have changed since they were kept. What goes away meanwhile is
  // nobody's concern here: the capture looks at everything again.
  static Result<ContentsAhead> find(const InstanceView& instance, MemoryTracks& tracks);

  uint64_t bytes() const;
  // While the application stands still, and before they are read.
  void take_stamps();
  // Noted; they must stay where they are until PageCopies::complete().
  Result<> copy(PageCopies& pages);
  // Of what was copied last: at offsets from `base`.
  uint64_t bytes_stored_from(uint64_t base) const;

 private:
  struct Content {
    UniqueFd file;
    std::string name;
    uint64_t size;
    KnownContent* known;
    std::vector<image::PageRun> runs;
    bool is_unchanged = false;  // since it was copied
  };

  explicit ContentsAhead(MemoryTracks& tracks) : tracks_(tracks) {}
  void add_folder(const UniqueFd& folder, const std::string& name, int depth);
  void add_file(UniqueFd file, const std::string& name);
  void add_shared_memory(HostPid pid);
  void keep(UniqueFd file, const std::string& name, const struct stat& info,
            const MemoryTracks::Identity& identity, const KnownPages* likely);

  MemoryTracks& tracks_;
  std::vector<Content> contents_;
};

}  // namespace appshot
