#include "restore/memory_layout.h"

#include <algorithm>

#include "restore/file_mappings.h"

namespace appshot {
namespace {

constexpr uint64_t kLowest = 0x10000;
constexpr uint64_t kHighest = 0x7ffffffff000;
// Page tables of huge pages move whole only between places alike modulo this.
constexpr uint64_t kHuge = 2 << 20;
constexpr uint64_t kBetween = 16 << 20;
// Small ones lie close together, in few page tables; what may grow keeps its distance.
constexpr uint64_t kBetweenSmall = 4096;
constexpr uint64_t kBelowGrowing = 2 << 20;

struct Range {
  uint64_t start, end;
};

Range largest_gap(std::vector<Range> taken) {
  std::sort(taken.begin(), taken.end(),
            [](const Range& a, const Range& b) { return a.start < b.start; });
  // The vsyscall page lies beyond what user space can map.
  std::erase_if(taken, [](const Range& range) { return range.start >= kHighest; });
  taken.push_back({kHighest, kHighest});
  Range best{0, 0};
  uint64_t at = kLowest;
  for (const Range& range : taken) {
    if (range.start > at && range.start - at > best.end - best.start) best = {at, range.start};
    at = std::max(at, range.end);
  }
  return best;
}

uint64_t round_up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

// Where a mapping that touches none before it may lie, when all until `at` is taken.
uint64_t next_window(uint64_t at, const image::MappingT& mapping) {
  if (mapping.huge_page != 0) return round_up(at, mapping.huge_page);
  if (mapping.end - mapping.start >= kHuge)
    return round_up(at, kHuge) + kBetween + mapping.start % kHuge;
  return at + ((mapping.vm_flags & proc::VmFlag::kGrowsDown) != 0 ? kBelowGrowing : kBetweenSmall);
}

}  // namespace

bool has_window(const image::ImageT& image, const image::ProcessT& process,
                const image::MappingT& mapping) {
  return mapping.kind != image::MappingKind::vdso && mapping.kind != image::MappingKind::vvar &&
         mapping.kind != image::MappingKind::vsyscall &&
         !is_mapped_in_place(image, process, mapping);
}

Result<MemoryLayout> plan_layout(const image::ImageT& image, const std::vector<proc::Mapping>& ours,
                                 uint64_t zone_length) {
  std::vector<Range> taken;
  for (const proc::Mapping& mapping : ours) taken.push_back({mapping.start, mapping.end});
  for (const auto& process : image.processes) {
    if (!process->address_space) continue;
    for (const auto& mapping : process->address_space->mappings)
      taken.push_back({mapping->start, mapping->end});
  }
  Range gap = largest_gap(std::move(taken));
  MemoryLayout layout;
  layout.zone = round_up(gap.start, kHuge) + kBetween;
  layout.zone_length = zone_length;
  uint64_t at = round_up(layout.zone + zone_length, kHuge) + kBetween;
  for (const auto& process : image.processes) {
    std::vector<uint64_t>& windows = layout.windows.emplace_back();
    MemoryLayout::Span& span = layout.spans.emplace_back();
    if (!process->address_space) continue;
    at = round_up(at, kHuge) + kHuge;
    uint64_t last_end = 0;
    for (const auto& mapping : process->address_space->mappings) {
      if (!has_window(image, *process, *mapping)) {
        windows.push_back(0);
        last_end = 0;
        continue;
      }
      if (mapping->start != last_end || mapping->huge_page != 0) at = next_window(at, *mapping);
      windows.push_back(at);
      if (span.start == 0) span.start = at;
      at += mapping->end - mapping->start;
      last_end = mapping->end;
      span.end = at;
      if (at > gap.end)
        return Error(ErrorClass::exhausted,
                     "the processes of the image have more address space than fits into one "
                     "process at once");
    }
  }
  return layout;
}

}  // namespace appshot
