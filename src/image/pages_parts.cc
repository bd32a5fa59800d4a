#include "image/pages_parts.h"

#include <algorithm>
#include <cctype>

#include "image/format.h"

namespace appshot::image {
namespace {

// No sum of two of these overflows.
constexpr uint64_t kOffsetsMax = 1ULL << 60;
constexpr size_t kNameMax = 100;

Error wrong(const std::string& what) {
  return Error(ErrorClass::corrupt, "the image's manifest is inconsistent: " + what);
}

uint64_t blocks_of(const PagesPartT& part) { return (part.length + kPagesBlock - 1) / kPagesBlock; }

// Only such names ever reach the file system.
bool is_pages_file(const std::string& name) {
  if (name == kPagesName) return true;
  const std::string before = pages_name_of("");
  return name.starts_with(before) && name.size() > before.size() && name.size() <= kNameMax &&
         std::all_of(name.begin() + static_cast<ptrdiff_t>(before.size()), name.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
}

}  // namespace

const PagesPartT* find_part(const PagesParts& parts, uint64_t offset, uint64_t length) {
  auto next = std::upper_bound(parts.begin(), parts.end(), offset,
                               [](uint64_t at, const auto& part) { return at < part->base; });
  if (next == parts.begin()) return nullptr;
  const PagesPartT& part = **std::prev(next);
  const uint64_t into = offset - part.base;
  return into <= part.length && length <= part.length - into ? &part : nullptr;
}

std::string pages_name_of(const std::string& id) { return std::string(kPagesName) + "." + id; }

Result<> verify_parts(const PagesParts& parts) {
  uint64_t at = 0;
  for (const auto& part : parts) {
    if (!is_pages_file(part->file)) return wrong("the name of a file of pages");
    if (part->base < at || part->base % kPagesBlock != 0 || part->length == 0 ||
        part->base > kOffsetsMax || part->length > kOffsetsMax || part->position > kOffsetsMax)
      return wrong("where its pages lie");
    if (part->checksums.size() != blocks_of(*part)) return wrong("the number of checksums");
    at = part->base + blocks_of(*part) * kPagesBlock;
  }
  return {};
}

std::vector<PageRun> all_runs(const ImageT& image) {
  std::vector<PageRun> all;
  auto add = [&](const std::vector<PageRun>& runs) {
    all.insert(all.end(), runs.begin(), runs.end());
  };
  for (const auto& process : image.processes)
    if (process->address_space)
      for (const auto& mapping : process->address_space->mappings) add(mapping->pages);
  for (const auto& memory : image.shared_memory) add(memory->pages);
  for (const auto& ghost : image.ghosts) add(ghost->pages);
  return all;
}

uint64_t next_base(const PagesParts& parts) {
  if (parts.empty()) return 0;
  return parts.back()->base + (blocks_of(*parts.back()) + 1) * kPagesBlock;
}

CompactParts compact(const PagesParts& parts, std::vector<PageRun> runs) {
  std::sort(runs.begin(), runs.end(),
            [](const PageRun& a, const PageRun& b) { return a.offset() < b.offset(); });
  CompactParts compact;
  uint64_t position = 0;
  auto take = [&](const PagesPartT& part, uint64_t first, uint64_t end) {
    auto taken = std::make_unique<PagesPartT>(part);
    taken->base = part.base + first * kPagesBlock;
    taken->position = part.position + first * kPagesBlock;
    taken->length = std::min(end * kPagesBlock, part.length) - first * kPagesBlock;
    taken->checksums.assign(part.checksums.begin() + static_cast<ptrdiff_t>(first),
                            part.checksums.begin() + static_cast<ptrdiff_t>(end));
    auto moved = std::make_unique<PagesPartT>(*taken);
    moved->file = kPagesName;
    moved->position = position;
    position += moved->length;
    compact.taken.push_back(std::move(taken));
    compact.parts.push_back(std::move(moved));
  };
  auto run = runs.begin();
  for (const auto& part : parts) {
    uint64_t first = 0, end = 0;  // blocks of it that are wanted, until now without a gap
    for (; run != runs.end() && run->offset() < part->base + part->length; ++run) {
      if (run->length() == 0) continue;
      const uint64_t from = (run->offset() - part->base) / kPagesBlock;
      const uint64_t until = (run->offset() - part->base + run->length() - 1) / kPagesBlock + 1;
      if (from > end) {
        if (end > first) take(*part, first, end);
        first = from;
      }
      end = std::max(end, until);
    }
    if (end > first) take(*part, first, end);
  }
  return compact;
}

}  // namespace appshot::image
