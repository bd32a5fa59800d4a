#include "checkpoint/precopy.h"

#include <algorithm>
#include <chrono>

#include "checkpoint/contents_ahead.h"
#include "checkpoint/moment.h"
#include "checkpoint/preflight.h"
#include "checkpoint/track_writes.h"
#include "os/short_turns.h"
#include "trace/remote_memory.h"

namespace appshot {
namespace {

// Less than this is copied while the application stands still: sooner than another round is done.
constexpr uint64_t kLeftToTheEnd = 4 << 20;
constexpr std::chrono::seconds kPauseMax{10};
constexpr int kRoundsMax = 5;
// What is written as fast as it is copied never gets less.
constexpr uint64_t kShrinksAtLeast = 2;

class Precopy {
 public:
  Precopy(const InstanceView& instance, MemoryTracks& tracks, PageCopies& pages)
      : instance_(instance), tracks_(tracks), pages_(pages) {}

  Result<Precopied> run() {
    const std::vector<pid_t> pids = TRY(instance_.application->processes());
    std::vector<HostPid> living;
    for (pid_t pid : pids) living.push_back(HostPid{pid});
    tracks_.keep_only(living);
    // At each pause tracers would let go of what they trace, and take it again.
    if (some_are_traced(pids)) return result_;
    if (some_are_new(pids))
      TRY(pause([&](FrozenApplication& frozen) {
        return begin_tracking(frozen, tracks_, Deadline::in(kPauseMax));
      }));
    ContentsAhead contents = TRY(ContentsAhead::find(instance_, tracks_));
    bool look_at_contents = contents.bytes() > 0;
    uint64_t before = ~0ULL;
    for (int round = 0; round < kRoundsMax; ++round) {
      std::vector<Unknown> all = protect_all();
      const uint64_t left = bytes_of(all);
      const bool enough = left < kLeftToTheEnd || left > before / kShrinksAtLeast;
      if (enough && !look_at_contents) break;
      // Before much is copied for nothing. Whether it is in the way the moment will tell.
      if (round == 0 && !TRY(preflight(instance_)).empty()) return result_;
      before = left;
      TRY(copy_round(all, look_at_contents ? &contents : nullptr));
      // While much is copied for the first time, some of it changes.
      look_at_contents = round == 0 && contents.bytes_stored_from(pages_.base()) > kLeftToTheEnd;
    }
    return result_;
  }

 private:
  static bool some_are_traced(const std::vector<pid_t>& pids) {
    return std::ranges::any_of(pids, [](pid_t pid) {
      Result<proc::ProcessDir> dir = proc::ProcessDir::open(HostPid{pid});
      Result<proc::Fields> status = dir ? dir->status() : Result<proc::Fields>(dir.take_error());
      return status && proc::field_number(*status, "TracerPid") != 0;
    });
  }

  bool some_are_new(const std::vector<pid_t>& pids) {
    return std::any_of(pids.begin(), pids.end(), [&](pid_t pid) {
      Result<proc::ProcessDir> dir = proc::ProcessDir::open(HostPid{pid});
      if (!dir || own_memory(*dir) < kWorthTracking) return false;
      Result<proc::Stat> stat = dir->stat();
      return stat && tracks_.find(HostPid{pid}, stat->start_time) == nullptr;
    });
  }

  template <typename Action>
  Result<> pause(const Action& action) {
    FrozenApplication frozen = TRY(freeze_unseen(instance_, Deadline::in(kPauseMax)));
    TRY(action(frozen));
    TRY(frozen.resume());
    const double ms = frozen.ms();
    result_.paused_ms += ms;
    result_.longest_ms = std::max(result_.longest_ms, ms);
    return {};
  }

  // What of a process is not known, as far as that can be told while it runs.
  struct Unknown {
    TrackedMemory* tracked;
    HostPid pid;
    std::vector<PageRange> of_memory, of_files;
    std::vector<image::PageRun> copied;
  };

  // What is written after that is told by the next look.
  std::vector<Unknown> protect_all() {
    std::vector<Unknown> all;
    for (auto& [pid, tracked] : tracks_.processes()) {
      Result<proc::ProcessDir> dir = proc::ProcessDir::open(HostPid{pid});
      if (!dir) continue;
      Result<std::vector<proc::Mapping>> mappings = dir->mapped_ranges();
      Result<PageScan> scan = PageScan::open("/proc/" + std::to_string(pid));
      if (!mappings || !scan) continue;
      all.push_back({&tracked, HostPid{pid}, {}, {}, {}});
      for (const proc::Mapping& mapping : *mappings)
        if (!mapping.shared && !mapping.name.starts_with("[v")) protect(all.back(), *scan, mapping);
    }
    return all;
  }

  static void protect(Unknown& unknown, const PageScan& scan, const proc::Mapping& mapping) {
    const bool of_file = mapping.inode != 0;
    Result<std::vector<PageRange>> ranges = unknown.tracked->find_unknown(
        scan, mapping.start, mapping.end, of_file ? Beneath::file : Beneath::zeros, Protect::yes);
    if (!ranges) return;  // it is gone by now
    std::vector<PageRange>& to = of_file ? unknown.of_files : unknown.of_memory;
    to.insert(to.end(), ranges->begin(), ranges->end());
  }

  static uint64_t bytes_of(const std::vector<Unknown>& all) {
    uint64_t bytes = 0;
    for (const Unknown& unknown : all)
      for (const auto* ranges : {&unknown.of_memory, &unknown.of_files})
        for (const PageRange& range : *ranges) bytes += range.end - range.start;
    return bytes;
  }

  // They are protected, so that whatever is written from now on is told. A call of the kernel that
  // began to write into memory before (with pages it holds on to, as a direct read from a disk
  // does) ends in the pause, and only then the pages are read.
  Result<> copy_round(std::vector<Unknown>& all, ContentsAhead* contents) {
    TRY(pause([&](FrozenApplication&) {
      if (contents != nullptr) contents->take_stamps();
      return Result<>();
    }));
    if (contents != nullptr) TRY(contents->copy(pages_));
    for (Unknown& unknown : all) {
      Result<RemoteMemory> memory = RemoteMemory::open(unknown.pid, instance_.shared_memory);
      if (!memory) continue;
      auto source = std::make_shared<const RunningPages>(std::move(memory).value());
      for (const PageRange& range : unknown.of_memory)
        pages_.add(source, range.start, range.end, unknown.copied, ZeroPages::noted,
                   tracks_.likely(unknown.tracked->id));
      for (const PageRange& range : unknown.of_files)
        pages_.add(source, range.start, range.end, unknown.copied, ZeroPages::kept,
                   tracks_.likely(unknown.tracked->id));
    }
    const ShortTurns turns;
    TRY(pages_.complete());
    for (Unknown& unknown : all) unknown.tracked->known.add(std::move(unknown.copied));
    return {};
  }

  const InstanceView& instance_;
  MemoryTracks& tracks_;
  PageCopies& pages_;
  Precopied result_;
};

}  // namespace

Result<Precopied> copy_while_running(const InstanceView& instance, MemoryTracks& tracks,
                                     PageCopies& pages) {
  return Precopy(instance, tracks, pages).run();
}

}  // namespace appshot
