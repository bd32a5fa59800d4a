// PAGEMAP_SCAN: which pages of a process are what, a range at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/pids.h"
#include "os/unique_fd.h"

namespace appshot {

// Bits of the kernel's PAGE_IS_*.
enum PageCategory : uint64_t {
  kPageWritten = 1 << 1,
  kPageFile = 1 << 2,
  kPagePresent = 1 << 3,
  kPageSwapped = 1 << 4,
  kPageZero = 1 << 5,
  kPageHuge = 1 << 6,
  kPageGuard = 1 << 8,
};

struct PageRange {
  uint64_t start, end, categories;
};

class PageScan {
 public:
  static Result<PageScan> open(const std::string& proc_folder);  // "/proc/41", "/proc/self"

  // Ranges in [start, end) of pages that have any of `any`, none of `none`.
  Result<std::vector<PageRange>> find(uint64_t start, uint64_t end, uint64_t any,
                                      uint64_t none) const;

 private:
  explicit PageScan(UniqueFd pagemap) : pagemap_(std::move(pagemap)) {}
  UniqueFd pagemap_;
};

}  // namespace appshot
