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
#include "resources/file_sums.h"
#include "resources/known_content.h"
#include "resources/origin.h"

namespace appshot {

// What a private mapping shows where it has no page of its own.
enum class Beneath { zeros, file };
enum class Protect : bool { no, yes };

struct TrackedMemory {
  uint64_t started = 0;  // when the process was: the kernel uses its id again
  WriteTracking writes;
  KnownPages known;
  VirtualPid id;

  // Brings what is known of a private mapping up to date, and returns its pages that are there and
  // not known: never kept, or written since they were last protected. With Protect::yes they are
  // protected from now on, and a mapping that is new, whatever had been at its address before, is
  // tracked.
  Result<std::vector<PageRange>> find_unknown(const PageScan& scan, uint64_t start, uint64_t end,
                                              Beneath beneath, Protect protect);

 private:
  Result<std::vector<PageRange>> look_at_each(const PageScan& scan, uint64_t start, uint64_t end,
                                              Beneath beneath, Protect protect);
  Result<std::vector<PageRange>> look_at_changed(const PageScan& scan, uint64_t start, uint64_t end,
                                                 Protect protect);
};

class MemoryTracks {
 public:
  TrackedMemory* find(HostPid pid, uint64_t started);
  TrackedMemory& begin(HostPid pid, uint64_t started, WriteTracking writes, VirtualPid id);
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

  // Of a file or memory object, by its device and inode; begun anew where nothing is known of it.
  using Identity = std::pair<uint64_t, uint64_t>;
  KnownContent& content(const Identity& identity);
  // The same when it becomes part of an image; null: it is small, and simply copied.
  KnownContent* captured(const Identity& identity, uint64_t size);
  std::map<Identity, KnownContent>& contents() { return contents_; }
  const std::map<Identity, KnownContent>& contents() const { return contents_; }
  // Of a file that is as the image has it that the instance was made from: nobody can change it.
  void know_frozen(KnownContent& content, const std::string& name, const struct stat& info) const;
  // Only what has become part of an image since the last call lies where it is known to.
  void forget_contents_not_captured();
  // Of files outside of the image.
  FileSums& file_sums() { return file_sums_; }

  // The image in that folder is what the instance was restored from, and nothing is kept since.
  void begin_from(const image::ImageT& image, const std::string& folder);
  // Until something is.
  std::optional<Origin>& origin() { return origin_; }
  // What of it a process may have still; may be null.
  const KnownPages* likely(VirtualPid process) const {
    return origin_ ? origin_->of_process(process) : nullptr;
  }

  // Whatever is kept is not to be used again.
  void forget_pages();

 private:
  std::map<Identity, KnownContent> contents_;
  FileSums file_sums_;
  const uint64_t seed_ = random_number();
  static uint64_t random_number();
  std::map<pid_t, TrackedMemory> processes_;
  std::optional<Kept> kept_;
  std::optional<Origin> origin_;
};

}  // namespace appshot
