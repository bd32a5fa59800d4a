#include "resources/memory_tracks.h"

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <random>
#include <utility>

#include "os/parallel.h"

namespace appshot {
namespace {

constexpr uint64_t kThere = kPagePresent | kPageSwapped;
// What one thread looks at.
constexpr uint64_t kPieceMax = 64 << 20;
// So many ranges of which nothing is known are looked at one by one; of more, everything is.
constexpr size_t kGapsMax = 32;

using Ranges = std::vector<PageRange>;

bool is_unchanged(const PageRange& range) {
  return (range.categories & (kPageTracked | kPageWritten)) == kPageTracked;
}

bool by_start(const PageRange& a, const PageRange& b) { return a.start < b.start; }

std::vector<image::PageRun> runs_of(const Ranges& ranges) {
  std::vector<image::PageRun> runs;
  for (const PageRange& range : ranges) runs.emplace_back(range.start, range.end - range.start, 0);
  return runs;
}

// A mapping of any size, by all processors.
template <typename Look>
Result<Ranges> look_in_pieces(uint64_t start, uint64_t end, const Look& look) {
  if (end - start <= kPieceMax) return look(start, end);
  std::vector<Result<Ranges>> looks((end - start + kPieceMax - 1) / kPieceMax, Ranges());
  in_parallel(looks.size(), [&](size_t i) {
    const uint64_t from = start + i * kPieceMax;
    looks[i] = look(from, std::min(from + kPieceMax, end));
  });
  Ranges found;
  for (Result<Ranges>& one : looks) {
    const Ranges& ranges = TRY(std::move(one));
    found.insert(found.end(), ranges.begin(), ranges.end());
  }
  return found;
}

}  // namespace

Result<Ranges> TrackedMemory::find_unknown(const PageScan& scan, uint64_t start, uint64_t end,
                                           Beneath beneath, Protect protect) {
  const auto look = [&] {
    size_t gaps = 0;
    bool any = false;
    known.visit(start, end, [&](const KnownPages::Part& part) {
      part.known == nullptr ? void(++gaps) : void(any = true);
    });
    // Of a page that was its own and shows the file again the kernel may keep that it is protected.
    return beneath == Beneath::zeros && any && gaps <= kGapsMax
               ? look_at_changed(scan, start, end, protect)
               : look_at_each(scan, start, end, beneath, protect);
  };
  Result<Ranges> found = look();
  if (found || found.error().err() != EPERM) return found;
  known.forget(start, end);
  if (protect == Protect::yes && writes.add(scan, start, end)) found = look();
  // Some memory cannot be tracked.
  if (!found && found.error().err() == EPERM)
    return look_at_each(scan, start, end, beneath, Protect::no);
  return found;
}
// In one look, which tells of each page that is there.
Result<Ranges> TrackedMemory::look_at_each(const PageScan& scan, uint64_t start, uint64_t end,
                                           Beneath beneath, Protect protect) {
  const uint64_t none = (beneath == Beneath::file ? kPageFile : kPageZero) | kPageGuard;
  const Ranges there = TRY(look_in_pieces(start, end, [&](uint64_t from, uint64_t until) {
    return protect == Protect::yes ? scan.find_and_protect(from, until, kThere, none)
                                   : scan.find(from, until, kThere, none);
  }));
  Ranges unknown;
  Ranges lost;
  for (const PageRange& range : there) {
    if (range.start > start) lost.push_back({start, range.start, 0});
    if (!is_unchanged(range)) {
      lost.push_back(range);
      unknown.push_back(range);
    } else {
      known.visit(range.start, range.end, [&](const KnownPages::Part& part) {
        if (part.known == nullptr) unknown.push_back({part.start, part.end, 0});
      });
    }
    start = range.end;
  }
  if (end > start) lost.push_back({start, end, 0});
  known.forget(runs_of(lost));
  return unknown;
}

// Where almost everything is known: looks only for what has changed. Known pages may have been
// written, or be there no more; in the gaps between them may be pages in whatever state.
Result<Ranges> TrackedMemory::look_at_changed(const PageScan& scan, uint64_t start, uint64_t end,
                                              Protect protect) {
  // Both in each piece, whose page tables are in the cache then.
  std::mutex mutex;
  Ranges absent;
  const Ranges written =
      TRY(look_in_pieces(start, end, [&](uint64_t from, uint64_t until) -> Result<Ranges> {
        Ranges here = TRY(protect == Protect::yes ? scan.find_written_and_protect(from, until)
                                                  : scan.find_written(from, until));
        const Ranges gone = TRY(scan.find_not_present(from, until));
        std::lock_guard lock(mutex);
        absent.insert(absent.end(), gone.begin(), gone.end());
        return here;
      }));
  Ranges unknown;
  Result<> looked;
  known.visit(start, end, [&](const KnownPages::Part& part) {
    if (part.known != nullptr || !looked) return;
    Result<Ranges> there = scan.find(part.start, part.end, kThere, kPageZero | kPageGuard);
    if (there)
      unknown.insert(unknown.end(), there->begin(), there->end());
    else
      looked = there.take_error();
  });
  TRY(std::move(looked));
  for (const PageRange& range : written)
    if ((range.categories & kPageZero) == 0)
      known.visit(range.start, range.end, [&](const KnownPages::Part& part) {
        if (part.known != nullptr) unknown.push_back({part.start, part.end, 0});
      });
  std::sort(unknown.begin(), unknown.end(), by_start);
  std::sort(absent.begin(), absent.end(), by_start);
  std::erase_if(absent, [](const PageRange& range) {
    return (range.categories & (kPageSwapped | kPageGuard)) == kPageSwapped;
  });
  known.forget(runs_of(written));
  known.forget(runs_of(absent));
  return unknown;
}

TrackedMemory* MemoryTracks::find(HostPid pid, uint64_t started) {
  auto found = processes_.find(pid.value);
  return found == processes_.end() || found->second.started != started ? nullptr : &found->second;
}

TrackedMemory& MemoryTracks::begin(HostPid pid, uint64_t started, WriteTracking writes,
                                   VirtualPid id) {
  processes_.erase(pid.value);
  return processes_.emplace(pid.value, TrackedMemory{started, std::move(writes), {}, id})
      .first->second;
}

void MemoryTracks::keep_only(const std::vector<HostPid>& pids) {
  std::erase_if(processes_, [&](const auto& process) {
    return std::none_of(pids.begin(), pids.end(),
                        [&](HostPid pid) { return pid.value == process.first; });
  });
}

KnownContent& MemoryTracks::content(const Identity& identity) {
  return contents_.try_emplace(identity, seed_).first->second;
}

KnownContent* MemoryTracks::captured(const Identity& identity, uint64_t size) {
  if (size < kWorthKnowing) return nullptr;
  KnownContent& captured = content(identity);
  captured.captured = true;
  return &captured;
}

void MemoryTracks::know_frozen(KnownContent& content, const std::string& name,
                               const struct stat& info) const {
  if (content.stamp || !origin_) return;
  const KnownPages* kept = origin_->of_file(name);
  if (kept == nullptr) return;
  content.pages = *kept;
  content.stamp = FileStamp::of(info);
}

void MemoryTracks::forget_contents_not_captured() {
  for (auto& content : contents_) content.second.mapping.reset();
  for (auto content = contents_.begin(); content != contents_.end();)
    content = std::exchange(content->second.captured, false) ? std::next(content)
                                                             : contents_.erase(content);
}

uint64_t MemoryTracks::random_number() {
  std::random_device random;
  return (uint64_t{random()} << 32) | random();
}

void MemoryTracks::begin_from(const image::ImageT& image, const std::string& folder) {
  forget_pages();
  origin_.emplace(image);
  kept_ = Kept{image.id, folder, {}, image::next_base(image.pages)};
  for (const auto& part : image.pages)
    kept_->parts.push_back(std::make_unique<image::PagesPartT>(*part));
}

void MemoryTracks::forget_pages() {
  for (auto& process : processes_) process.second.known = KnownPages();
  contents_.clear();
  origin_.reset();
  kept_.reset();
}

}  // namespace appshot
