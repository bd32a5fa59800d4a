#include "packing/streams.h"

#include <unistd.h>

#include <cerrno>
#include <vector>

#include "os/file.h"

namespace appshot::packing {

Result<size_t> FdSource::read(std::span<char> into) {
  for (;;) {
    const ssize_t got = ::read(fd_, into.data(), into.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno(errno, "read");
    if (moved_) moved_(static_cast<size_t>(got));
    return static_cast<size_t>(got);
  }
}

Result<> FdSink::write(std::span<const char> bytes) {
  TRY(write_all(fd_, bytes));
  if (moved_) moved_(bytes.size());
  return {};
}

Result<size_t> SummedSource::read(std::span<char> into) {
  const size_t got = TRY(from_.read(into));
  sum_.add(into.first(got));
  bytes_ += got;
  return got;
}

Result<> SummedSink::write(std::span<const char> bytes) {
  sum_.add(bytes);
  bytes_ += bytes.size();
  return to_ == nullptr ? Result<>() : to_->write(bytes);
}

Result<size_t> read_full(Source& source, std::span<char> into) {
  size_t filled = 0;
  while (filled < into.size()) {
    const size_t got = TRY(source.read(into.subspan(filled)));
    if (got == 0) break;
    filled += got;
  }
  return filled;
}

Result<> drain(Source& source, uint64_t bytes_max) {
  std::vector<char> buffer(kPieceBytes);
  uint64_t drained = 0;
  for (;;) {
    const size_t got = TRY(source.read(buffer));
    if (got == 0) return {};
    drained += got;
    if (drained > bytes_max)
      return Error(ErrorClass::corrupt,
                   "more than " + std::to_string(bytes_max) + " bytes follow its end");
  }
}

}  // namespace appshot::packing
