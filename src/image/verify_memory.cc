#include "image/verify_memory.h"

#include <bit>

#include "image/format.h"
#include "image/pages_parts.h"
#include "image/verify_words.h"
#include "os/huge_pages.h"

namespace appshot::image {
namespace {

constexpr uint64_t kUserAddressMax = 1ULL << 47;

}  // namespace

bool can_be_huge(uint64_t page, uint64_t limits) {
  return page == 0 ||
         (std::has_single_bit(page) && page >= kSmallestHugePage && limits % page == 0);
}

Result<> verify_runs(const ImageT& image, const std::vector<PageRun>& runs, uint64_t from,
                     uint64_t to, bool stored) {
  uint64_t at = from;
  for (const PageRun& run : runs) {
    if (run.address() < at || run.address() > to || run.length() > to - run.address())
      return wrong("pages outside of what they belong to");
    if (stored && find_part(image.pages, run.offset(), run.length()) == nullptr)
      return wrong("pages that it does not have");
    at = run.address() + run.length();
  }
  return {};
}

Result<> verify_memory(const ImageT& image, const AddressSpaceT& space) {
  if (!space.marks) return wrong("its address marks");
  if (!known(space.future)) return wrong("what becomes of its later memory");
  uint64_t at = 0;
  for (const auto& mapping : space.mappings) {
    if (!known(mapping->kind)) return wrong("a mapping of no kind");
    if (mapping->kind == MappingKind::vsyscall) continue;
    if (mapping->start < at || mapping->end <= mapping->start || mapping->end > kUserAddressMax ||
        mapping->start % kPageSize != 0 || mapping->end % kPageSize != 0 ||
        mapping->offset % kPageSize != 0)
      return wrong("its memory map");
    if (!can_be_huge(mapping->huge_page, mapping->start | mapping->end))
      return wrong("memory of huge pages");
    if (mapping->kind == MappingKind::file && !inside(mapping->object, image.mapped_files.size()))
      return wrong("a mapped file");
    if (mapping->kind == MappingKind::shared_memory &&
        !inside(mapping->object, image.shared_memory.size()))
      return wrong("a shared mapping");
    constexpr uint64_t kEvent = 32;  // struct io_event, as long as what a ring begins with
    if (mapping->kind == MappingKind::aio_ring &&
        (mapping->aio_events == 0 || mapping->aio_ended.size() % kEvent != 0 ||
         mapping->aio_ended.size() + 2 * kEvent > mapping->end - mapping->start))
      return wrong("a context for asynchronous input and output");
    TRY(verify_runs(image, mapping->pages, mapping->start, mapping->end, true));
    TRY(verify_runs(image, mapping->guards, mapping->start, mapping->end, false));
    at = mapping->end;
  }
  return {};
}

}  // namespace appshot::image
