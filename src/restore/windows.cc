#include "restore/windows.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/file.h"
#include "os/huge_pages.h"
#include "os/proc/maps.h"
#include "resources/files/regular_file.h"
#include "resources/ipc/sysv_shm.h"

namespace appshot {
namespace {

using image::MappingKind;
using proc::VmFlag;

constexpr uint64_t kHuge = 2 << 20;
constexpr int kMadvCollapse = 25;
constexpr int kMapDroppable = 0x08;

struct Advice {
  uint64_t flag;
  int advice;
};
// What survives the move; the rest is given after it (see place_memory.cc).
constexpr Advice kAdvice[] = {
    {VmFlag::kHugePage, MADV_HUGEPAGE},     {VmFlag::kNoHugePage, MADV_NOHUGEPAGE},
    {VmFlag::kMergeable, MADV_MERGEABLE},   {VmFlag::kDontDump, MADV_DONTDUMP},
    {VmFlag::kSequential, MADV_SEQUENTIAL}, {VmFlag::kRandom, MADV_RANDOM}};

char* pointer(uint64_t address) { return reinterpret_cast<char*>(address); }

class WindowMaker {
 public:
  explicit WindowMaker(RestoreContext& context) : context_(context) {}

  Result<> make(const image::MappingT& m, uint64_t window, bool lazy) {
    const uint64_t length = m.end - m.start;
    if (const image::SharedMemoryT* segment = sysv_segment(m)) {
      TRY(context_.in_ipc(segment->sysv_space,
                          [&] { return ipc::attach_window(*segment, m, window); }));
      return advise(m, window);
    }
    int flags = MAP_FIXED_NOREPLACE | (m.shared ? MAP_SHARED : MAP_PRIVATE);
    if (m.kind == MappingKind::anonymous) flags |= huge_mapping_flags(m.huge_page);
    if ((m.vm_flags & VmFlag::kNoReserve) != 0) flags |= MAP_NORESERVE;
    if ((m.vm_flags & VmFlag::kGrowsDown) != 0) flags |= MAP_GROWSDOWN;
    int fd = -1;
    if (m.kind == MappingKind::anonymous) {
      flags |= MAP_ANONYMOUS;
      if ((m.vm_flags & VmFlag::kDroppable) != 0) flags = (flags & ~MAP_PRIVATE) | kMapDroppable;
    } else if (m.kind == MappingKind::shared_memory) {
      fd = context_.shared_memory[static_cast<size_t>(m.object)].get();
    } else {
      fd = TRY(file_for(m));
    }
    // Private writable memory is accounted for when it is made writable: made so from the start if
    // it was, only then taken back, so that the account is the same.
    bool accounted = !m.shared && (m.vm_flags & VmFlag::kAccount) != 0;
    int prot = accounted ? PROT_READ | PROT_WRITE : m.prot;
    void* at = ::mmap(pointer(window), length, prot, flags, fd, static_cast<off_t>(m.offset));
    if (at == MAP_FAILED)
      return Error::from_errno(errno, fmt::format("mmap of {} bytes at {:#x}", length, window));
    if (is_private_zero(m) && (prot & PROT_WRITE) != 0) keep_offset(pointer(window), length);
    if (lazy || (context_.is_clone && (m.vm_flags & VmFlag::kWipeOnFork) != 0)) {
      // Of what a fork would not have had a clone has nothing either. And where it comes later, a
      // single page touched here would hide what is missing.
    } else if (accounted || (m.prot & PROT_WRITE) != 0) {
      expect_pages(m, window);
    } else {
      TRY(write_unwritable(m, window));
    }
    if (prot != m.prot) protect_later_.push_back({pointer(window), length, m.prot});
    return advise(m, window);
  }

  // The pages of all windows in the order of the file: each of its blocks is read and checked once.
  Result<> load() {
    TRY(context_.pages.load(std::move(placements_), context_.tell_loaded));
    for (const Protect& later : protect_later_)
      TRY_SYS(::mprotect(later.at, later.length, later.prot));
    return {};
  }

 private:
  struct Protect {
    char* at;
    uint64_t length;
    int prot;
  };

  const image::SharedMemoryT* sysv_segment(const image::MappingT& m) const {
    if (m.kind != MappingKind::shared_memory) return nullptr;
    const image::SharedMemoryT& object =
        *context_.image.shared_memory[static_cast<size_t>(m.object)];
    return object.kind == image::SharedMemoryKind::sysv ? &object : nullptr;
  }

  bool is_private_zero(const image::MappingT& m) const {
    return m.kind == MappingKind::file && !m.shared &&
           context_.image.mapped_files[static_cast<size_t>(m.object)]->path == "/dev/zero";
  }

  // Such memory shows the offset it was mapped with, unless it is moved before anything was in it.
  static void keep_offset(char* start, uint64_t length) {
    *reinterpret_cast<volatile char*>(start) = 0;
    ::madvise(start, length, MADV_DONTNEED);
  }

  static Result<> advise(const image::MappingT& m, uint64_t window) {
    for (const Advice& advice : kAdvice)
      if ((m.vm_flags & advice.flag) != 0)
        TRY_SYS(::madvise(pointer(window), m.end - m.start, advice.advice));
    return {};
  }

  Result<int> file_for(const image::MappingT& m) {
    bool writable = m.shared && m.writable_file;
    UniqueFd& fd = files_[{m.object, writable}];
    if (!fd) {
      const image::FileNameT& name = *context_.image.mapped_files[static_cast<size_t>(m.object)];
      fd = TRY(files::open_named(context_, name, writable ? O_RDWR : O_RDONLY)
                   .within("mapped file " + name.path));
    }
    return fd.get();
  }

  void expect_pages(const image::MappingT& m, uint64_t window) {
    const uint64_t moved = window - m.start;
    const bool may_be_huge = m.kind == MappingKind::anonymous && m.huge_page == 0 &&
                             (m.vm_flags & VmFlag::kNoHugePage) == 0;
    uint64_t dense_start = window, dense_end = window;  // neighbours may lie apart in the file
    for (const image::PageRun& run : m.pages) {
      const uint64_t at = run.address() + moved;
      placements_.push_back({run.offset(), run.length(), pointer(at)});
      if (at != dense_end) {
        if (may_be_huge) prepare_huge(dense_start, dense_end);
        dense_start = at;
      }
      dense_end = at + run.length();
    }
    if (may_be_huge) prepare_huge(dense_start, dense_end);
  }

  // Not writable and never was: written as a debugger would.
  Result<> write_unwritable(const image::MappingT& m, uint64_t window) {
    if (m.pages.empty()) return {};
    UniqueFd self = TRY(open_file("/proc/self/mem", O_RDWR));
    for (const image::PageRun& run : m.pages)
      TRY(context_.pages.copy_to(self.get(), run.offset(), run.length(),
                                 run.address() + window - m.start));
    return {};
  }

  // Where memory is dense it is given in huge pages before it is filled: that is quicker to fill,
  // to fork and to move, and leaves no mark on the mapping as MADV_HUGEPAGE would. Where it cannot
  // be had, small pages come by themselves.
  static void prepare_huge(uint64_t start, uint64_t end) {
    for (uint64_t at = (start + kHuge - 1) / kHuge * kHuge; at + kHuge <= end; at += kHuge) {
      *reinterpret_cast<volatile char*>(at) = 0;
      if (::madvise(pointer(at), kHuge, kMadvCollapse) != 0) return;
    }
  }

  RestoreContext& context_;
  std::map<std::pair<int, bool>, UniqueFd> files_;
  std::vector<image::Placement> placements_;
  std::vector<Protect> protect_later_;
};

bool is_common(const image::MappingT& mapping) {
  return mapping.kind == MappingKind::anonymous && !mapping.shared && mapping.huge_page == 0 &&
         (mapping.vm_flags & VmFlag::kDroppable) == 0;
}

template <typename Visit>
void for_each_window(const image::ImageT& image, const MemoryLayout& layout, Visit visit) {
  for (size_t p = 0; p < image.processes.size(); ++p) {
    if (!image.processes[p]->address_space) continue;
    const auto& mappings = image.processes[p]->address_space->mappings;
    for (size_t m = 0; m < mappings.size(); ++m)
      if (layout.windows[p][m] != 0) visit(p, m, layout.windows[p][m]);
  }
}

}  // namespace

Result<> make_windows(RestoreContext& context, const MemoryLayout& layout, const LazyMemory& lazy,
                      Windows which) {
  WindowMaker maker(context);
  Result<> made;
  for_each_window(context.image, layout, [&](size_t p, size_t m, uint64_t window) {
    if (!made) return;
    const image::ProcessT& process = *context.image.processes[p];
    const image::MappingT& mapping = *process.address_space->mappings[m];
    if (which != Windows::all && is_common(mapping) != (which == Windows::common)) return;
    made = maker.make(mapping, window, lazy.is_lazy(p, m))
               .within(fmt::format("memory at {:x} of process {}", mapping.start, process.pid));
  });
  TRY(made);
  return maker.load();
}

}  // namespace appshot
