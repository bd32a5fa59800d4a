#include "restore/lazy_memory.h"

#include "restore/beside.h"

#include <fcntl.h>
#include <sys/user.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>

#include "image/format.h"
#include "os/file.h"
#include "os/page_scan.h"
#include "os/pidfd.h"
#include "os/proc/maps.h"
#include "os/proc/process_dir.h"

namespace appshot {
namespace {

using proc::VmFlag;

constexpr uint64_t kLargeImage = 64 << 20;
constexpr uint64_t kLargeMapping = 1 << 20;

// The kernel watches only memory that belongs to nothing but the process. What is locked was
// promised to be there; what a fork is to wipe must not be brought to the child.
bool can_wait(const image::MappingT& mapping) {
  constexpr uint64_t kNever =
      VmFlag::kLocked | VmFlag::kWipeOnFork | VmFlag::kDroppable | VmFlag::kHugeTlb;
  return mapping.kind == image::MappingKind::anonymous && !mapping.shared &&
         !mapping.pages.empty() && (mapping.vm_flags & kNever) == 0;
}

uint64_t kept_bytes(const image::MappingT& mapping) {
  uint64_t bytes = 0;
  for (const image::PageRun& run : mapping.pages) bytes += run.length();
  return bytes;
}

uint64_t stored_bytes(const image::ImageT& image) {
  uint64_t bytes = 0;
  for (const auto& part : image.pages) bytes += part->length;
  return bytes;
}

// What the kernel uses without waiting for it: at the end of a thread, at a futex whose call it
// makes again (any of a thread's registers may point there), and to tell others of the arguments
// and the environment. It is what the threads use first, too.
std::vector<uint64_t> needed_first(const image::ProcessT& process) {
  std::vector<uint64_t> needed;
  for (const auto& thread : process.threads) {
    needed.insert(needed.end(),
                  {thread->clear_child_tid, thread->robust_list, thread->rseq->address()});
    std::array<uint64_t, sizeof(user_regs_struct) / sizeof(uint64_t)> registers{};
    std::memcpy(registers.data(), thread->registers.data(),
                std::min(thread->registers.size(), sizeof registers));
    needed.insert(needed.end(), registers.begin(), registers.end());
  }
  const image::AddressMarks& marks = *process.address_space->marks;
  for (uint64_t at = marks.arg_start(); at < marks.arg_end(); at += image::kPageSize)
    needed.push_back(at);
  for (uint64_t at = marks.env_start(); at < marks.env_end(); at += image::kPageSize)
    needed.push_back(at);
  needed.insert(needed.end(), {marks.arg_end(), marks.env_end()});
  return needed;
}

Result<std::map<int, HostPid>> processes_by_id(const Cgroup& application) {
  std::map<int, HostPid> found;
  for (pid_t pid : TRY(application.processes())) {
    proc::ProcessDir dir = TRY(proc::ProcessDir::open(HostPid{pid}));
    found[proc::id_inside(TRY(dir.status()), "NStgid")] = HostPid{pid};
  }
  return found;
}

// Who looked at a process from outside before it was watched (at its environment, as ps does) has
// found nothing and left a page of zeros, for which nobody would ever be asked.
Result<> fill_touched(HostPid host, const image::PagesReader& pages,
                      const std::vector<std::unique_ptr<image::MappingT>>& mappings,
                      const std::vector<bool>& lazy, MissingMemory& missing) {
  constexpr uint64_t kThere = kPagePresent | kPageSwapped;
  const std::string folder = "/proc/" + std::to_string(host.value);
  const PageScan scan = TRY(PageScan::open(folder));
  UniqueFd memory;
  for (size_t m = 0; m < mappings.size(); ++m) {
    if (!lazy[m]) continue;
    for (const PageRange& range : TRY(scan.find(mappings[m]->start, mappings[m]->end, kThere, 0))) {
      if (!memory) memory = TRY(open_file(folder + "/mem", O_RDWR));
      for (const MissingMemory::Piece& piece : missing.within(range.start, range.end))
        TRY(pages.copy_to(memory.get(), piece.offset, piece.length, piece.address));
      missing.erase(range.start, range.end);
    }
  }
  return {};
}

}  // namespace

Result<LazyMemory> LazyMemory::choose(const image::ImageT& image, const Births& births,
                                      MemoryWish wish) {
  bool lazy = wish == MemoryWish::lazy ||
              (wish == MemoryWish::automatic && stored_bytes(image) >= kLargeImage);
  const uint64_t least = wish == MemoryWish::lazy ? 0 : kLargeMapping;
  if (Result<> able = lazy ? Userfault::try_here() : Result<>(); !able) {
    if (wish == MemoryWish::lazy)
      return Error(ErrorClass::unsupported,
                   "memory cannot be brought in later here: " + able.error().message())
          .hint("restore it with --eager");
    lazy = false;
  }
  LazyMemory chosen;
  for (const auto& process : image.processes) {
    std::vector<bool>& mappings = chosen.lazy_.emplace_back();
    if (!process->address_space) continue;
    // Who is born without rights may not let its memory be watched, and the descriptor that tells
    // what is missing must be nobody else's.
    const bool may =
        lazy && births.users_at_birth(*process) < 0 && !has_common_table(image, *process);
    for (const auto& mapping : process->address_space->mappings)
      mappings.push_back(may && can_wait(*mapping) && kept_bytes(*mapping) >= least);
  }
  return chosen;
}

bool LazyMemory::has_any(size_t process) const {
  return std::ranges::find(lazy_[process], true) != lazy_[process].end();
}

bool LazyMemory::any() const {
  for (size_t process = 0; process < lazy_.size(); ++process)
    if (has_any(process)) return true;
  return false;
}

int LazyMemory::descriptor(const image::ProcessT& process, const LateFiles& late) {
  std::set<int> taken;
  for (const auto& descriptor : process.descriptors)
    if (!late.is_late(*descriptor)) taken.insert(descriptor->fd);
  int lowest = 0;
  while (taken.count(lowest) != 0) ++lowest;
  return lowest;
}

Result<std::vector<PagerSetup::Space>> LazyMemory::register_all(const image::ImageT& image,
                                                                const image::PagesReader& pages,
                                                                const LateFiles& late,
                                                                const Cgroup& application) const {
  std::map<int, HostPid> hosts = TRY(processes_by_id(application));
  std::vector<PagerSetup::Space> spaces;
  for (size_t p = 0; p < image.processes.size(); ++p) {
    if (!has_any(p)) continue;
    const image::ProcessT& process = *image.processes[p];
    const std::string words = "process " + std::to_string(process.pid);
    auto host = hosts.find(process.pid);
    if (host == hosts.end()) return Error(ErrorClass::gone, words + " has died");
    Pidfd pidfd = TRY(Pidfd::open(host->second));
    UniqueFd fd = TRY(pidfd.take_copy(descriptor(process, late)).within("userfaultfd of " + words));
    PagerSetup::Space space{static_cast<uint64_t>(process.pid),
                            TRY(Userfault::begin(std::move(fd))),
                            {},
                            needed_first(process)};
    const auto& mappings = process.address_space->mappings;
    for (size_t m = 0; m < mappings.size(); ++m) {
      if (!is_lazy(p, m)) continue;
      const image::MappingT& mapping = *mappings[m];
      TRY(space.fault.watch(mapping.start, mapping.end - mapping.start).within(words));
      for (const image::PageRun& run : mapping.pages)
        space.missing.add({run.address(), run.length(), run.offset()});
    }
    TRY(fill_touched(host->second, pages, mappings, lazy_[p], space.missing).within(words));
    spaces.push_back(std::move(space));
  }
  return spaces;
}

}  // namespace appshot
