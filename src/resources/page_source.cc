#include "resources/page_source.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "image/format.h"

namespace appshot {

using image::kPageSize;

Result<size_t> ProcessPages::read(uint64_t at, std::span<char> room) const {
  Result<size_t> got = memory_.read_some(at, room);
  size_t usable = got ? *got / kPageSize * kPageSize : 0;
  if (usable > 0) return usable;
  // A protection is in the way; the slow path honours none.
  TRY(memory_.read(at, room.first(kPageSize)));
  return kPageSize;
}

std::string ProcessPages::words(uint64_t from, uint64_t until) const {
  return fmt::format("{}: memory at {:x}-{:x}", process_, from, until);
}

Result<size_t> RunningPages::read(uint64_t at, std::span<char> room) const {
  Result<size_t> got = memory_.read_some(at, room);
  return got ? *got / kPageSize * kPageSize : 0;
}

std::string RunningPages::words(uint64_t from, uint64_t until) const {
  return fmt::format("memory at {:x}-{:x}", from, until);
}

Result<size_t> FilePages::read(uint64_t at, std::span<char> room) const {
  for (;;) {
    ssize_t got = ::pread(file_.get(), room.data(), room.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno(errno, "reading a file's content");
    // The last page of a file is filled up; the file's size tells where it really ends.
    size_t whole = (static_cast<size_t>(got) + kPageSize - 1) / kPageSize * kPageSize;
    std::memset(room.data() + got, 0, whole - static_cast<size_t>(got));
    if (prepare_) prepare_->prepare(at, at + whole);
    return whole;
  }
}

std::string FilePages::words(uint64_t from, uint64_t until) const {
  return fmt::format("{}: bytes {} to {}", name_, from, until);
}

}  // namespace appshot
