#include "os/write_tracking.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace appshot {
namespace {

// Debian 12's headers are older than these (6.4, 6.7).
constexpr uint64_t kFeatureUnpopulated = 1 << 13;
constexpr uint64_t kFeatureAsynchronous = 1 << 15;

}  // namespace

// Only faults of the program itself need be seen, which takes no privilege: those of the kernel on
// its behalf end the protection just as well.
const int WriteTracking::kCallFlags = O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY;

Result<WriteTracking> WriteTracking::begin(UniqueFd userfault) {
  uffdio_api api{};
  api.api = UFFD_API;
  api.features = kFeatureUnpopulated | kFeatureAsynchronous;
  TRY_SYS(::ioctl(userfault.get(), UFFDIO_API, &api));
  return WriteTracking(std::move(userfault));
}

Result<WriteTracking> WriteTracking::of_ourselves() {
  return begin(UniqueFd(static_cast<int>(TRY_SYS(::syscall(SYS_userfaultfd, kCallFlags)))));
}

bool WriteTracking::add(const PageScan& scan, uint64_t start, uint64_t end) const {
  uffdio_register range{};
  range.range = {start, end - start};
  range.mode = UFFDIO_REGISTER_MODE_WP;
  if (::ioctl(userfault_.get(), UFFDIO_REGISTER, &range) != 0) return false;
  if (unprotect(scan, start, end)) return true;
  ::ioctl(userfault_.get(), UFFDIO_UNREGISTER, &range.range);
  return false;
}

// Where mremap brings a piece of tracked memory back between its old neighbours, the kernel makes
// one mapping of them, which is not tracked any more, and leaves the marks of protected pages. A
// page that was written since would count as protected for ever.
bool WriteTracking::unprotect(const PageScan& scan, uint64_t start, uint64_t end) const {
  Result<std::vector<PageRange>> marked =
      scan.find(start, end, kPagePresent | kPageSwapped, kPageWritten);
  if (!marked) return false;
  for (const PageRange& range : *marked) {
    uffdio_writeprotect none{};
    none.range = {range.start, range.end - range.start};
    if (::ioctl(userfault_.get(), UFFDIO_WRITEPROTECT, &none) != 0) return false;
  }
  return true;
}

}  // namespace appshot
