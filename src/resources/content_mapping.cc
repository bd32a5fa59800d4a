#include "resources/content_mapping.h"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>

namespace appshot {
namespace {

constexpr int kPopulateRead = 22;  // MADV_POPULATE_READ, since 5.14

}  // namespace

std::shared_ptr<const ContentMapping> ContentMapping::map(int file, uint64_t size) {
  struct statfs system {};
  if (size == 0 || ::fstatfs(file, &system) != 0 || system.f_type != TMPFS_MAGIC) return nullptr;
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_SHARED | MAP_NORESERVE, file, 0);
  if (start == MAP_FAILED) return nullptr;
  return std::shared_ptr<const ContentMapping>(new ContentMapping(static_cast<char*>(start), size));
}

ContentMapping::~ContentMapping() { ::munmap(start_, size_); }

void ContentMapping::prepare(uint64_t start, uint64_t end) const {
  if (end <= size_) (void)!::madvise(start_ + start, end - start, kPopulateRead);
}

}  // namespace appshot
