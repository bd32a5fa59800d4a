#include "os/userfault.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace appshot {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kHighestPage = 0x7fffffffe000;
constexpr uint64_t kEvents = UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP |
                             UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP;

}  // namespace

Result<> Userfault::try_here() {
  UniqueFd fd(static_cast<int>(
      TRY_SYS(::syscall(SYS_userfaultfd, static_cast<long>(O_CLOEXEC | O_NONBLOCK)))));
  TRY(begin(std::move(fd)));
  return {};
}

Result<Userfault> Userfault::begin(UniqueFd fd) {
  uffdio_api api{};
  api.api = UFFD_API;
  api.features = kEvents;
  TRY_SYS(::ioctl(fd.get(), UFFDIO_API, &api));
  return Userfault(std::move(fd));
}

Result<> Userfault::watch(uint64_t start, uint64_t length) const {
  uffdio_register wish{};
  wish.range = {start, length};
  wish.mode = UFFDIO_REGISTER_MODE_MISSING;
  TRY_SYS(::ioctl(fd_.get(), UFFDIO_REGISTER, &wish));
  return {};
}

Result<std::optional<Userfault::Event>> Userfault::next() const {
  uffd_msg message{};
  ssize_t got = ::read(fd_.get(), &message, sizeof message);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::optional<Event>();
  if (got < 0) return Error::from_errno(errno, "read of a userfaultfd");
  using Kind = Event::Kind;
  switch (message.event) {
    case UFFD_EVENT_PAGEFAULT: {
      const uint64_t page = message.arg.pagefault.address / kPage * kPage;
      return std::optional(Event{Kind::fault, page, page + kPage});
    }
    case UFFD_EVENT_FORK: {
      Event event{Kind::fork};
      event.child.emplace(static_cast<int>(message.arg.fork.ufd));
      return std::optional(std::move(event));
    }
    case UFFD_EVENT_REMAP: {
      const auto& remap = message.arg.remap;
      return std::optional(Event{Kind::moved, remap.from, remap.from + remap.len, remap.to});
    }
    case UFFD_EVENT_REMOVE:
    case UFFD_EVENT_UNMAP:
      return std::optional(Event{Kind::removed, message.arg.remove.start, message.arg.remove.end, 0,
                                 message.event == UFFD_EVENT_UNMAP});
    default:
      return Error(ErrorClass::unsupported,
                   "a userfaultfd tells of an unknown event " + std::to_string(message.event));
  }
}

Result<Userfault::Put> Userfault::copy(uint64_t to, const char* from, uint64_t length) const {
  while (length > 0) {
    Put put = TRY(copy_within_one_mapping(to, from, length));
    // Refused as a whole when it lies in two mappings (which an mprotect makes of one).
    if (put == Put::unmapped && length > kPage) {
      const uint64_t half = std::max(length / 2 / kPage, uint64_t{1}) * kPage;
      put = TRY(copy(to, from, half));
      to += half, from += half, length -= half;
    }
    if (put != Put::done) return put;
  }
  return Put::done;
}

// Until all is copied or something is in the way; takes what it did off its arguments.
Result<Userfault::Put> Userfault::copy_within_one_mapping(uint64_t& to, const char*& from,
                                                          uint64_t& length) const {
  while (length > 0) {
    uffdio_copy wish{};
    wish.dst = to;
    wish.src = reinterpret_cast<uint64_t>(from);
    wish.len = length;
    const bool all = ::ioctl(fd_.get(), UFFDIO_COPY, &wish) == 0;
    const int err = errno;
    uint64_t done = all ? length : static_cast<uint64_t>(std::max<int64_t>(wish.copy, 0));
    if (!all && done == 0) {
      if (err == EAGAIN) return Put::changing;
      if (err == ENOENT) return Put::unmapped;
      if (err == ESRCH) return Put::gone;
      if (err != EEXIST) return Error::from_errno(err, "ioctl(UFFDIO_COPY)");
      wake(to);
      done = kPage;
    }
    to += done, from += done, length -= done;
  }
  return Put::done;
}

Result<Userfault::Put> Userfault::zero(uint64_t page) const {
  uffdio_zeropage wish{};
  wish.range = {page, kPage};
  if (::ioctl(fd_.get(), UFFDIO_ZEROPAGE, &wish) == 0) return Put::done;
  if (errno == EAGAIN) return Put::changing;
  if (errno == ENOENT) return Put::unmapped;
  if (errno == ESRCH) return Put::gone;
  if (errno != EEXIST) return Error::from_errno(errno, "ioctl(UFFDIO_ZEROPAGE)");
  wake(page);
  return Put::done;
}

// Asked to forget a page on which nothing is mapped; who has no memory at all answers otherwise.
bool Userfault::is_gone() const {
  uffdio_range range{kHighestPage, kPage};
  return ::ioctl(fd_.get(), UFFDIO_UNREGISTER, &range) != 0 && errno == ENOMEM;
}

void Userfault::wake(uint64_t page) const {
  uffdio_range range{page, kPage};
  ::ioctl(fd_.get(), UFFDIO_WAKE, &range);
}

}  // namespace appshot
