// What a harness remembers of its instance's memory from one snapshot to the next: which pages are
// kept in an earlier image and were not written since. Lost with the harness; then everything is
// copied again.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "image/pages_parts.h"
#include "os/page_scan.h"
#include "os/pids.h"
#include "os/write_tracking.h"
#include "resources/known_pages.h"

namespace appshot {

struct TrackedMemory {
  uint64_t started = 0;  // when the process was: the kernel uses its id again
  WriteTracking writes;
  KnownPages known;

  // PageScan::find in a private mapping; what was written until now is protected. A mapping that is
  // new, whatever had been at its address before, is tracked from now on.
  Result<std::vector<PageRange>> find_and_protect(const PageScan& scan, uint64_t start,
                                                  uint64_t end, uint64_t any, uint64_t none);
};

inline bool is_unchanged(const PageRange& range) {
  return (range.categories & (kPageTracked | kPageWritten)) == kPageTracked;
}

class MemoryTracks {
 public:
  TrackedMemory* find(HostPid pid, uint64_t started);
  TrackedMemory& begin(HostPid pid, uint64_t started, WriteTracking writes);
  void end(HostPid pid) { processes_.erase(pid.value); }
  // Of those that are no more.
  void keep_only(const std::vector<HostPid>& pids);

  // The image that all known pages lie in.
  struct Kept {
    std::string id, folder;
    image::PagesParts parts;
    uint64_t next_base = 0;
  };
  std::optional<Kept>& kept() { return kept_; }
  std::map<pid_t, TrackedMemory>& processes() { return processes_; }
  const std::map<pid_t, TrackedMemory>& processes() const { return processes_; }

  // Whatever is kept is not to be used again.
  void forget_pages();

 private:
  std::map<pid_t, TrackedMemory> processes_;
  std::optional<Kept> kept_;
};

}  // namespace appshot
