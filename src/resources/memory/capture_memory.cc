#include "resources/memory/capture_memory.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image/format.h"
#include "os/file.h"
#include "os/huge_pages.h"
#include "os/page_scan.h"
#include "resources/file_names.h"
#include "resources/mapped_name.h"
#include "resources/shared_memory.h"

namespace appshot::memory {
namespace {

using image::MappingKind;
using proc::VmFlag;

std::string range_words(const proc::Mapping& m) { return fmt::format("{:x}-{:x}", m.start, m.end); }

std::string map_file_path(const ProcessSource& process, const proc::Mapping& m) {
  return fmt::format("/proc/{}/map_files/{:x}-{:x}", process.host.value, m.start, m.end);
}

// Mappings of the kernel's own, that every process of this kernel gets.
bool is_vvar(const proc::Mapping& m) { return m.name.starts_with("[vvar"); }

bool is_anonymous_huge(const proc::Mapping& m) { return m.name.starts_with("/anon_hugepage"); }

class Capture {
 public:
  Capture(CaptureContext& context, const ProcessSource& process, RemoteMemory memory, PageScan scan)
      : context_(context),
        process_(process),
        pages_(std::make_shared<const ProcessPages>(std::move(memory), process.words())),
        scan_(std::move(scan)),
        tracked_(context.tracks == nullptr
                     ? nullptr
                     : context.tracks->find(process.host, process.stat.start_time)),
        likely_(context.tracks == nullptr || context.runs_on ? nullptr
                                                             : context.tracks->likely(process.id)) {
  }

  Result<std::unique_ptr<image::MappingT>> mapping(const proc::Mapping& source) {
    auto mapping = std::make_unique<image::MappingT>();
    mapping->start = source.start;
    mapping->end = source.end;
    mapping->prot = static_cast<uint8_t>((source.readable ? PROT_READ : 0) |
                                         (source.writable ? PROT_WRITE : 0) |
                                         (source.executable ? PROT_EXEC : 0));
    mapping->shared = source.shared;
    mapping->offset = source.offset;
    mapping->vm_flags = source.vm_flags & ~VmFlag::kUffdWriteProtect;  // which is ours
    mapping->writable_file = (source.vm_flags & VmFlag::kMayWrite) != 0;
    TRY(content(source, *mapping).within("memory at " + range_words(source)));
    return mapping;
  }

 private:
  Result<> content(const proc::Mapping& source, image::MappingT& mapping) {
    if (source.name == "[vdso]") {
      mapping.kind = MappingKind::vdso;
      return {};
    }
    if (is_vvar(source)) {
      mapping.kind = MappingKind::vvar;
      return {};
    }
    if (source.name.starts_with("/[aio]")) {
      mapping.kind = MappingKind::aio_ring;
      mapping.offset = 0;
      return {};  // what it was made for is in resources/aio
    }
    // The inode number of a SysV segment is its id, and the first has 0.
    if (source.inode == 0 && !is_shared_memory_link(source.name)) {
      mapping.kind = MappingKind::anonymous;
      mapping.offset = 0;
      if ((source.vm_flags & VmFlag::kDroppable) != 0)
        return {};  // must never be found in an image
      return private_pages(source, mapping, kPageZero, ZeroPages::dropped);
    }
    if ((source.vm_flags & VmFlag::kHugeTlb) != 0)
      mapping.huge_page =
          TRY(huge_page_of(TRY(open_file(map_file_path(process_, source), O_RDONLY)).get()));
    // Behind private anonymous huge memory, too, the kernel has a file, in which nothing is.
    if (is_anonymous_huge(source) && !source.shared) {
      mapping.kind = MappingKind::anonymous;
      mapping.offset = 0;
      return private_pages(source, mapping, kPageFile, ZeroPages::dropped);
    }
    if (is_shared_memory_link(source.name)) {
      mapping.kind = MappingKind::shared_memory;
      mapping.object = TRY(shared_memory(source));
    } else {
      mapping.kind = MappingKind::file;
      mapping.object = TRY(mapped_file(source));
    }
    if (source.shared) return {};
    return private_pages(source, mapping, kPageFile, ZeroPages::kept);
  }

  // Only what differs from a fresh mapping: zeros under anonymous memory, the file under the rest.
  Result<> private_pages(const proc::Mapping& source, image::MappingT& mapping,
                         uint64_t same_as_fresh, ZeroPages zeros) {
    // smaps counts no huge pages among a process's own.
    if (source.anonymous_bytes + source.swapped_bytes > 0 || mapping.huge_page != 0)
      TRY(own_pages(source, mapping, same_as_fresh, zeros));
    if ((source.vm_flags & VmFlag::kGuard) == 0) return {};
    for (const PageRange& range : TRY(scan_.find(source.start, source.end, kPageGuard, 0)))
      mapping.guards.emplace_back(range.start, range.end - range.start, 0);
    return {};
  }

  Result<> own_pages(const proc::Mapping& source, image::MappingT& mapping, uint64_t same_as_fresh,
                     ZeroPages zeros) {
    constexpr uint64_t kThere = kPagePresent | kPageSwapped;
    auto copy = [&](uint64_t start, uint64_t end) {
      context_.pages.add(pages_, start, end, mapping.pages, zeros, likely_);
    };
    if (tracked_ == nullptr) {
      for (const PageRange& range :
           TRY(scan_.find(source.start, source.end, kThere, same_as_fresh | kPageGuard)))
        copy(range.start, range.end);
      return {};
    }
    const std::vector<PageRange> unknown =
        TRY(tracked_->find_unknown(scan_, source.start, source.end,
                                   same_as_fresh == kPageFile ? Beneath::file : Beneath::zeros,
                                   context_.runs_on ? Protect::yes : Protect::no));
    // What an earlier snapshot has kept need not be copied again.
    auto next = unknown.begin();
    tracked_->known.visit(source.start, source.end, [&](const KnownPages::Part& part) {
      for (; next != unknown.end() && next->start < part.end; ++next) copy(next->start, next->end);
      if (part.known != nullptr && !is_zeros(*part.known))
        context_.pages.add_known(*part.known, mapping.pages);
    });
    return {};
  }

  Result<int> shared_memory(const proc::Mapping& source) {
    UniqueFd fd = TRY(open_file(map_file_path(process_, source), O_RDONLY));
    return capture_shared_memory(context_, fd.get(), source.name);
  }

  Result<int> mapped_file(const proc::Mapping& source) {
    std::string path = map_file_path(process_, source);
    const uint64_t mount = TRY(mount_if_needed(context_, path));
    std::string key = fmt::format("{} {}:{} {} {}", source.name, source.device_major,
                                  source.device_minor, source.inode, mount);
    if (auto known = context_.mapped_files.find(key); known != context_.mapped_files.end())
      return known->second;
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return Error::from_errno(errno, "stat " + path);
    auto open_content = [&] { return open_file(path, O_RDONLY); };
    const std::optional<MappedName> seen =
        TRY(find_mapped_name(context_, path, source.name, info, mount));
    auto name = TRY(seen ? capture_name(context_, seen->link, seen->info, seen->mount, open_content)
                         : capture_name(context_, source.name, info, mount, open_content));
    if (name->ghost < 0 && S_ISREG(info.st_mode) && is_program(source)) {
      UniqueFd fd = TRY(open_content());
      name->build_id = build_id_of(fd.get());
    }
    int index = static_cast<int>(context_.image.mapped_files.size());
    context_.image.mapped_files.push_back(std::move(name));
    context_.mapped_files.emplace(key, index);
    return index;
  }

  // Others have no build id.
  bool is_program(const proc::Mapping& source) const {
    for (const proc::Mapping& other : process_.mappings)
      if (other.executable && other.inode == source.inode && other.name == source.name) return true;
    return false;
  }

  CaptureContext& context_;
  const ProcessSource& process_;
  std::shared_ptr<const ProcessPages> pages_;
  PageScan scan_;
  TrackedMemory* const tracked_;
  const KnownPages* const likely_;  // only where nobody waits for it to go on: files are read
};

}  // namespace

void find_obstacles(const ProcessSource& process, Obstacles& obstacles) {
  struct Reason {
    uint64_t flag;
    const char* what;
    const char* hint;
  };
  static constexpr Reason kReasons[] = {
      // One for write protection alone is ours; of the program's own its descriptor would tell.
      {VmFlag::kUffdMissing | VmFlag::kUffdMinor, "memory handled by userfaultfd",
       "end the use of userfaultfd first"},
      {VmFlag::kShadowStack, "a shadow stack",
       "start it with GLIBC_TUNABLES=glibc.cpu.hwcaps=-SHSTK"},
  };
  for (const proc::Mapping& m : process.mappings) {
    if (m.name == "[vdso]" || m.name == "[vsyscall]" || is_vvar(m)) continue;
    std::string where = process.words() + " has at " + range_words(m) + " ";
    for (const Reason& reason : kReasons)
      if ((m.vm_flags & reason.flag) != 0) obstacles.add(where + reason.what, reason.hint);
    if ((m.vm_flags & (VmFlag::kIo | VmFlag::kPfn)) != 0)
      obstacles.add(where + "memory of a device (" + m.name + ")", "close the device first");
    if ((m.vm_flags & VmFlag::kHugeTlb) != 0 && !is_shared_memory_link(m.name))
      obstacles.add(where + "a file of hugetlbfs, " + m.name,
                    "use memory without a file (MAP_ANONYMOUS, memfd_create)");
    if (!m.unknown_flags.empty())
      obstacles.add(where + "memory with a property this version does not know (" +
                    m.unknown_flags + ")");
    if (m.name.starts_with("anon_inode:") || m.name.starts_with("socket:") ||
        m.name.starts_with("/secretmem"))
      obstacles.add(where + "a mapping of " + m.name, "end its use first");
  }
}

Result<std::unique_ptr<image::AddressSpaceT>> capture(CaptureContext& context,
                                                      const ProcessSource& process) {
  auto space = std::make_unique<image::AddressSpaceT>();
  Capture capture(context, process, TRY(RemoteMemory::open(process.host)),
                  TRY(PageScan::open("/proc/" + std::to_string(process.host.value))));
  for (const proc::Mapping& source : process.mappings) {
    // What it shares is its parent's, and told there.
    if (source.name == "[vsyscall]" || process.shared.memory) continue;
    space->mappings.push_back(TRY(capture.mapping(source)));
  }
  const proc::Stat& s = process.stat;
  space->marks = std::make_unique<image::AddressMarks>(
      s.start_code, s.end_code, s.start_data, s.end_data, s.start_brk, 0 /* asked of the process */,
      s.start_stack, s.arg_start, s.arg_end, s.env_start, s.env_end);
  std::string auxv = TRY(process.dir.record("auxv"));
  space->auxv.assign(auxv.begin(), auxv.end());

  std::string exe = "/proc/" + std::to_string(process.host.value) + "/exe";
  struct stat info {};
  if (::stat(exe.c_str(), &info) != 0) return Error::from_errno(errno, "stat " + exe);
  space->exe = TRY(capture_name(context, TRY(process.dir.link("exe")), info,
                                TRY(mount_if_needed(context, exe)),
                                [&] { return open_file(exe, O_RDONLY); }));
  return space;
}

}  // namespace appshot::memory
