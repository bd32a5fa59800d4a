#include "restore/place_memory.h"

#include <linux/aio_abi.h>
#include <linux/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>

namespace appshot {
namespace {

using image::MappingKind;
using proc::VmFlag;

constexpr uint64_t kLowest = 0x10000;
constexpr uint64_t kHighest = 0x7ffffffff000;
constexpr int kMadvGuardInstall = 102;
constexpr long kSysMseal = 462;  // younger than our headers
constexpr int kMlockOnFault = 1;
constexpr uint64_t kRingHead = 32;  // before the events of a context (struct aio_ring)

struct Range {
  uint64_t start, end;
};

void plan_unmap_all_but(std::vector<Range> keep, CallList& calls) {
  std::sort(keep.begin(), keep.end(),
            [](const Range& a, const Range& b) { return a.start < b.start; });
  keep.push_back({kHighest, kHighest});
  uint64_t at = kLowest;
  for (const Range& range : keep) {
    if (range.start > at) calls.add(SYS_munmap, at, range.start - at);
    at = std::max(at, range.end);
  }
}

void plan_move(uint64_t from, uint64_t to, uint64_t length, CallList& calls) {
  calls.add_expecting(static_cast<int64_t>(to), SYS_mremap, from, length, length,
                      MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

void plan_file_mapping(const PlacePlan& plan, const image::MappingT& m, CallList& calls) {
  const bool unaccounted = (m.vm_flags & VmFlag::kNoReserve) != 0;
  const int flags = MAP_PRIVATE | MAP_FIXED | (unaccounted ? MAP_NORESERVE : 0);
  calls.add_expecting(static_cast<int64_t>(m.start), SYS_mmap, m.start, m.end - m.start, m.prot,
                      flags, plan.files.descriptor(m), m.offset);
}

// Its owner knows a context by where its ring is; the kernel puts it anywhere at first.
void plan_aio_context(const image::MappingT& m, int readable, CallList& calls, DataSpace& data) {
  const uint64_t length = m.end - m.start;
  const uint64_t made_at = data.put(uint64_t{0});
  calls.add(SYS_io_setup, m.aio_events, made_at);
  calls.add_expecting_with_first_at(static_cast<int64_t>(m.start), SYS_mremap, made_at, length,
                                    length, MREMAP_MAYMOVE | MREMAP_FIXED, m.start);
  if (m.aio_ended.empty()) return;
  // As many requests for nothing; what the kernel says of them is replaced by what it had said.
  const size_t count = m.aio_ended.size() / sizeof(io_event);
  iocb nothing{};
  nothing.aio_lio_opcode = IOCB_CMD_PREAD;
  nothing.aio_fildes = static_cast<uint32_t>(readable);
  const std::vector<uint64_t> requests(count, data.put(nothing));
  calls.add_expecting(static_cast<int64_t>(count), SYS_io_submit, m.start, count,
                      data.put(requests.data(), count * sizeof requests[0]));
  calls.add(STUB_OP_COPY, m.start + kRingHead, data.put(m.aio_ended.data(), m.aio_ended.size()),
            m.aio_ended.size());
}

bool kernel_mappings_are_in_the_way(const PlacePlan& plan) {
  return std::ranges::any_of(plan.space.mappings, [&](const auto& target) {
    return std::ranges::any_of(plan.kernel, [&](const proc::Mapping& mapping) {
      return target->start < mapping.end && mapping.start < target->end;
    });
  });
}

// The kernel's own mappings may lie where others go, and go where others lie: they wait aside.
std::vector<uint64_t> plan_park(const PlacePlan& plan, CallList& calls) {
  std::vector<uint64_t> parked;
  if (!kernel_mappings_are_in_the_way(plan)) {
    for (const proc::Mapping& mapping : plan.kernel) parked.push_back(mapping.start);
    return parked;
  }
  uint64_t at = plan.parking;
  for (const proc::Mapping& mapping : plan.kernel) {
    plan_move(mapping.start, at, mapping.length(), calls);
    parked.push_back(at);
    at += mapping.length();
  }
  return parked;
}

void plan_kernel_mappings(const PlacePlan& plan, const std::vector<uint64_t>& parked,
                          CallList& calls) {
  // They come in the order of their addresses on either side: [vvar], [vvar_vclock], [vdso].
  size_t next = 0;
  for (const auto& mapping : plan.space.mappings) {
    if (mapping->kind != MappingKind::vdso && mapping->kind != MappingKind::vvar) continue;
    if (next >= parked.size()) break;
    plan_move(parked[next], mapping->start, plan.kernel[next].length(), calls);
    ++next;
  }
  for (; next < parked.size(); ++next)
    calls.add(SYS_munmap, parked[next], plan.kernel[next].length());
}

void plan_properties(const image::MappingT& m, CallList& calls) {
  const uint64_t length = m.end - m.start;
  if ((m.vm_flags & VmFlag::kDontFork) != 0) calls.add(SYS_madvise, m.start, length, MADV_DONTFORK);
  if ((m.vm_flags & VmFlag::kWipeOnFork) != 0 && (m.vm_flags & VmFlag::kDroppable) == 0)
    calls.add(SYS_madvise, m.start, length, MADV_WIPEONFORK);
  for (const image::PageRun& guard : m.guards)
    calls.add(SYS_madvise, guard.address(), guard.length(), kMadvGuardInstall);
  if ((m.vm_flags & VmFlag::kLocked) != 0)
    calls.add(SYS_mlock2, m.start, length,
              (m.vm_flags & VmFlag::kLockOnFault) != 0 ? kMlockOnFault : 0);
}

void plan_marks(const PlacePlan& plan, CallList& calls, DataSpace& data) {
  const image::AddressMarks& marks = *plan.space.marks;
  prctl_mm_map map{};
  map.start_code = marks.start_code();
  map.end_code = marks.end_code();
  map.start_data = marks.start_data();
  map.end_data = marks.end_data();
  map.start_brk = marks.start_brk();
  map.brk = marks.brk();
  map.start_stack = marks.start_stack();
  map.arg_start = marks.arg_start();
  map.arg_end = marks.arg_end();
  map.env_start = marks.env_start();
  map.env_end = marks.env_end();
  map.auxv = reinterpret_cast<__u64*>(data.put(plan.space.auxv.data(), plan.space.auxv.size()));
  map.auxv_size = static_cast<__u32>(plan.space.auxv.size());
  map.exe_fd = static_cast<__u32>(plan.exe_fd);
  calls.add(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, data.put(map), sizeof map, 0);
  // With it those of the mapped files, which lie behind it.
  if (!plan.keeps_descriptors) calls.add(SYS_close_range, plan.exe_fd, ~0U, 0);
}

}  // namespace

void plan_place_memory(const PlacePlan& plan, CallList& calls, DataSpace& data) {
  std::vector<Range> keep{{plan.zone, plan.zone + plan.zone_length}};
  for (const proc::Mapping& mapping : plan.kernel) keep.push_back({mapping.start, mapping.end});
  if (plan.span.start != plan.span.end) keep.push_back({plan.span.start, plan.span.end});
  plan_unmap_all_but(std::move(keep), calls);
  std::vector<uint64_t> parked = plan_park(plan, calls);
  for (size_t i = 0; i < plan.windows.size(); ++i) {
    const image::MappingT& m = *plan.space.mappings[i];
    if (plan.windows[i] != 0) plan_move(plan.windows[i], m.start, m.end - m.start, calls);
    if (is_mapped_in_place(plan.image, plan.process, m)) plan_file_mapping(plan, m, calls);
  }
  plan_kernel_mappings(plan, parked, calls);
  for (const auto& mapping : plan.space.mappings)
    if (mapping->kind == MappingKind::aio_ring)
      plan_aio_context(*mapping, plan.exe_fd, calls, data);
  for (const auto& mapping : plan.space.mappings) plan_properties(*mapping, calls);
  plan_marks(plan, calls, data);
  if (plan.space.future == image::FutureMemory::locked) calls.add(SYS_mlockall, MCL_FUTURE);
  if (plan.space.future == image::FutureMemory::locked_on_fault)
    calls.add(SYS_mlockall, MCL_FUTURE | MCL_ONFAULT);
  // Last: what is sealed can be changed no more.
  for (const auto& mapping : plan.space.mappings)
    if ((mapping->vm_flags & VmFlag::kSealed) != 0)
      calls.add(kSysMseal, mapping->start, mapping->end - mapping->start, 0);
}

}  // namespace appshot
