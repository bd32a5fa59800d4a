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

bool WriteTracking::add(uint64_t start, uint64_t end) const {
  uffdio_register range{};
  range.range = {start, end - start};
  range.mode = UFFDIO_REGISTER_MODE_WP;
  return ::ioctl(userfault_.get(), UFFDIO_REGISTER, &range) == 0;
}

}  // namespace appshot
