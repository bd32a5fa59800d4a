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
  kPageTracked = 1 << 0,  // its writes can be told (os/write_tracking.h)
  kPageWritten = 1 << 1,  // since it was last protected; always, where nothing is tracked
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
  // The same, and those that were written are protected in the same moment: what is written from
  // then on is told by the next look. EPERM where it is not tracked.
  Result<std::vector<PageRange>> find_and_protect(uint64_t start, uint64_t end, uint64_t any,
                                                  uint64_t none) const;

  // Pages that are there and were written, and those that are not present: where most pages are
  // neither, in a third of the time, since the kernel only counts what it has to tell. EPERM where
  // it is not tracked.
  Result<std::vector<PageRange>> find_written(uint64_t start, uint64_t end) const;
  Result<std::vector<PageRange>> find_written_and_protect(uint64_t start, uint64_t end) const;
  Result<std::vector<PageRange>> find_not_present(uint64_t start, uint64_t end) const;

 private:
  struct Wish {
    uint64_t all, any, none;  // categories: a page must have all of these, one of these, none
    uint64_t flags = 0;
  };
  Result<std::vector<PageRange>> scan(uint64_t start, uint64_t end, const Wish& wish) const;
  explicit PageScan(UniqueFd pagemap) : pagemap_(std::move(pagemap)) {}
  UniqueFd pagemap_;
};

}  // namespace appshot
