#include "pager/pager_page.h"

#include <sys/mman.h>
#include <unistd.h>

#include "os/futex.h"

namespace appshot {
namespace {

static_assert(std::atomic<uint64_t>::is_always_lock_free);

constexpr size_t kBytes = 4096;

}  // namespace

Result<SharedPagerPage> SharedPagerPage::make() {
  UniqueFd fd(TRY_SYS(::memfd_create("appshot-pager", MFD_CLOEXEC)));
  TRY_SYS(::ftruncate(fd.get(), kBytes));
  return open(std::move(fd));
}

Result<SharedPagerPage> SharedPagerPage::open(UniqueFd fd) {
  void* at = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (at == MAP_FAILED) return Error::from_errno(errno, "mmap of a pager's page");
  return SharedPagerPage(std::move(fd), static_cast<PagerPage*>(at));
}

SharedPagerPage::~SharedPagerPage() {
  if (page_ != nullptr) ::munmap(page_, kBytes);
}

void SharedPagerPage::set_pace(StreamPace pace) const {
  auto wanted = static_cast<uint32_t>(pace);
  uint32_t now = page_->pace;
  while (now < wanted && !page_->pace.compare_exchange_weak(now, wanted)) {
  }
  futex_wake_all(page_->pace);
}

void SharedPagerPage::wait_for(StreamPace at_least) const {
  for (uint32_t now = page_->pace; now < static_cast<uint32_t>(at_least); now = page_->pace)
    futex_wait(page_->pace, now);
}

}  // namespace appshot
