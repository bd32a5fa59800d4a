#include "resources/memory_tracks.h"

#include <algorithm>
#include <cerrno>

namespace appshot {

Result<std::vector<PageRange>> TrackedMemory::find_and_protect(const PageScan& scan, uint64_t start,
                                                               uint64_t end, uint64_t any,
                                                               uint64_t none) {
  Result<std::vector<PageRange>> found = scan.find_and_protect(start, end, any, none);
  if (found || found.error().err() != EPERM) return found;
  known.forget(start, end);
  if (writes.add(start, end)) found = scan.find_and_protect(start, end, any, none);
  // Some memory cannot be tracked.
  if (!found && found.error().err() == EPERM) return scan.find(start, end, any, none);
  return found;
}

TrackedMemory* MemoryTracks::find(HostPid pid, uint64_t started) {
  auto found = processes_.find(pid.value);
  return found == processes_.end() || found->second.started != started ? nullptr : &found->second;
}

TrackedMemory& MemoryTracks::begin(HostPid pid, uint64_t started, WriteTracking writes) {
  processes_.erase(pid.value);
  return processes_.emplace(pid.value, TrackedMemory{started, std::move(writes), {}}).first->second;
}

void MemoryTracks::keep_only(const std::vector<HostPid>& pids) {
  std::erase_if(processes_, [&](const auto& process) {
    return std::none_of(pids.begin(), pids.end(),
                        [&](HostPid pid) { return pid.value == process.first; });
  });
}

void MemoryTracks::forget_pages() {
  for (auto& process : processes_) process.second.known = KnownPages();
  kept_.reset();
}

}  // namespace appshot
