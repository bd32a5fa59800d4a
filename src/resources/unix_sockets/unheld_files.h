// Files that are on their way through a connection which nobody has accepted: the kernel tells
// which ones they are, but hands them to nobody.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/kernel_files.h"
#include "resources/capture_context.h"
#include "resources/process_source.h"

namespace appshot::unix_sockets {

class UnheldFiles {
 public:
  // When all that is open, and all that is queued where it can be taken from, has been captured.
  UnheldFiles(CaptureContext& context, const std::vector<ProcessSource>& processes,
              KernelView& kernel)
      : context_(context), processes_(processes), kernel_(kernel) {}

  // In Image.open_files. One that nobody has open is an obstacle, unless it is an end of a pipe of
  // which somebody has any end. `listener` says at whose socket it waits.
  Result<int> index_of(uint64_t address, const std::string& listener);

 private:
  struct Place {
    const ProcessSource* process;  // nullptr: ours
    int fd;
  };
  Result<> look_at_all();
  Result<> note(Place place, int copy);
  Result<UniqueFd> copy_of(Place place) const;
  Result<UniqueFd> find(uint64_t address);
  Result<UniqueFd> open_again(const KernelFile& file);

  CaptureContext& context_;
  const std::vector<ProcessSource>& processes_;
  KernelView& kernel_;
  bool looked_ = false;
  std::map<uint64_t, Place> files_;
  std::map<uint64_t, Place> pipes_;  // by inode, any end
  std::map<uint64_t, int> known_;
};

}  // namespace appshot::unix_sockets
