#include "os/page_scan.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include "os/file.h"

namespace appshot {
namespace {

// Debian 12's headers are older than the call (6.7).
struct ScanArgs {
  uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
  uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
constexpr unsigned long kPagemapScan = _IOWR('f', 16, ScanArgs);
constexpr uint64_t kProtect = 1 << 0;
constexpr uint64_t kOnlyTracked = 1 << 1;  // else EPERM, before anything is protected

}  // namespace

Result<PageScan> PageScan::open(const std::string& proc_folder) {
  return PageScan(TRY(open_file(proc_folder + "/pagemap", O_RDONLY)));
}

Result<std::vector<PageRange>> PageScan::find(uint64_t start, uint64_t end, uint64_t any,
                                              uint64_t none) const {
  return scan(start, end, {0, any, none});
}

Result<std::vector<PageRange>> PageScan::find_and_protect(uint64_t start, uint64_t end,
                                                          uint64_t any, uint64_t none) const {
  return scan(start, end, {0, any, none, kProtect | kOnlyTracked});
}

Result<std::vector<PageRange>> PageScan::find_written(uint64_t start, uint64_t end) const {
  return scan(start, end, {kPageWritten, kPagePresent | kPageSwapped, kPageGuard, kOnlyTracked});
}

Result<std::vector<PageRange>> PageScan::find_written_and_protect(uint64_t start,
                                                                  uint64_t end) const {
  return scan(start, end,
              {kPageWritten, kPagePresent | kPageSwapped, kPageGuard, kProtect | kOnlyTracked});
}

Result<std::vector<PageRange>> PageScan::find_not_present(uint64_t start, uint64_t end) const {
  return scan(start, end, {0, 0, kPagePresent});
}

Result<std::vector<PageRange>> PageScan::scan(uint64_t start, uint64_t end,
                                              const Wish& wish) const {
  std::vector<PageRange> found;
  PageRange batch[512];
  while (start < end) {
    ScanArgs args{};
    args.size = sizeof args;
    args.flags = wish.flags;
    args.start = start;
    args.end = end;
    args.vec = reinterpret_cast<uint64_t>(batch);
    args.vec_len = std::size(batch);
    // A page must have all of `category_mask` after inversion: the unwanted ones, inverted.
    args.category_inverted = wish.none;
    args.category_mask = wish.all | wish.none;
    args.category_anyof_mask = wish.any;
    args.return_mask = kPageTracked | kPageWritten | kPagePresent | kPageSwapped | kPageZero |
                       kPageHuge | kPageGuard;
    int got = ::ioctl(pagemap_.get(), kPagemapScan, &args);
    if (got < 0) return Error::from_errno(errno, "ioctl(PAGEMAP_SCAN)");
    for (int i = 0; i < got; ++i) {
      if (!found.empty() && found.back().end == batch[i].start &&
          found.back().categories == batch[i].categories)
        found.back().end = batch[i].end;
      else
        found.push_back(batch[i]);
    }
    if (args.walk_end <= start) break;
    start = args.walk_end;
  }
  return found;
}

}  // namespace appshot
