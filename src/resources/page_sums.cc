#include "resources/page_sums.h"

#include <xxhash.h>

#include "image/format.h"

namespace appshot {

using image::kPageSize;

void PageSums::make_room(uint64_t start, uint64_t end) {
  constexpr uint64_t kTogether = kPagesTogether * kPageSize;
  for (uint64_t at = start / kTogether; at * kTogether < end; ++at) {
    std::unique_ptr<Together>& sums = sums_[at];
    if (!sums) sums = std::make_unique<Together>();
  }
}

PageSum& PageSums::of(uint64_t address) {
  const uint64_t page = address / kPageSize;
  return (*sums_.find(page / kPagesTogether)->second)[page % kPagesTogether];
}

PageSum PageSums::compute(const char* page) const {
  const XXH128_hash_t sum = XXH3_128bits_withSeed(page, kPageSize, seed_);
  return {sum.low64, sum.high64};
}

}  // namespace appshot
