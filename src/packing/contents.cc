#include "packing/contents.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace appshot::packing {
namespace {

constexpr uint64_t kUnit = 4096;
constexpr uint64_t kHoleMin = 64 * 1024;

bool all_zero(const char* bytes, size_t count) {
  return count == 0 || (bytes[0] == 0 && std::equal(bytes + 1, bytes + count, bytes));
}

// Fewer than asked for: the file has ended.
Result<size_t> read_at(int fd, std::span<char> into, uint64_t offset) {
  size_t filled = 0;
  while (filled < into.size()) {
    const ssize_t got = ::pread(fd, into.data() + filled, into.size() - filled,
                                static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno(errno, "read");
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  return filled;
}

// Where, from `offset` on, the file system has something that may be other than zero.
Result<uint64_t> next_data(int fd, uint64_t offset, uint64_t size) {
  const off_t found = ::lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
  if (found >= 0) return std::min<uint64_t>(static_cast<uint64_t>(found), size);
  if (errno == ENXIO) return size;
  if (errno == EINVAL || errno == EOPNOTSUPP) return offset;
  return Error::from_errno(errno, "lseek");
}

// Units of zeros and of other bytes, as they come; runs of zeros that are too short become bytes.
class Runs {
 public:
  void zeros_until(uint64_t offset) { at_ = offset; }
  void bytes_until(uint64_t offset) {
    if (extents_.empty() || at_ - end_of_last() >= kHoleMin) {
      // The file's beginning is like the end of what came before it.
      const bool at_start = extents_.empty() && at_ < kHoleMin;
      extents_.push_back({at_start ? 0 : at_, 0});
    }
    at_ = offset;
    extents_.back().length = offset - extents_.back().offset;
  }
  std::optional<std::vector<Extent>> finish(uint64_t size) {
    const uint64_t end = extents_.empty() ? 0 : end_of_last();
    if (size - end < kHoleMin && !extents_.empty()) extents_.back().length += size - end;
    if (extents_.size() == 1 && extents_[0] == Extent{0, size}) return {};
    return std::move(extents_);
  }

 private:
  uint64_t end_of_last() const { return extents_.back().offset + extents_.back().length; }
  uint64_t at_ = 0;
  std::vector<Extent> extents_;
};

}  // namespace

Result<std::optional<std::vector<Extent>>> extents_of(int fd, uint64_t size) {
  if (size < kHoleMin) return std::optional<std::vector<Extent>>();
  Runs runs;
  std::vector<char> buffer(kPieceBytes);
  for (uint64_t offset = 0; offset < size;) {
    const uint64_t data = TRY(next_data(fd, offset, size));
    // A file system's holes may end anywhere.
    if (data == size || data / kUnit * kUnit > offset) {
      offset = data == size ? size : data / kUnit * kUnit;
      runs.zeros_until(offset);
      continue;
    }
    const size_t want = std::min<uint64_t>(buffer.size(), size - offset);
    if (TRY(read_at(fd, std::span(buffer).first(want), offset)) < want)
      return Error(ErrorClass::conflict, "it was cut while it was read");
    for (size_t at = 0; at < want; at += kUnit) {
      const size_t unit = std::min<size_t>(kUnit, want - at);
      if (all_zero(buffer.data() + at, unit)) {
        runs.zeros_until(offset + at + unit);
      } else {
        runs.bytes_until(offset + at + unit);
      }
    }
    offset += want;
  }
  return runs.finish(size);
}

Result<> read_content(int fd, const Entry& entry,
                      const std::function<Result<>(std::span<const char>)>& take) {
  const std::vector<Extent> whole{{0, entry.size}};
  std::vector<char> buffer(std::min<uint64_t>(kPieceBytes, bytes_of(entry)));
  for (const Extent& extent : entry.extents ? *entry.extents : whole) {
    for (uint64_t done = 0; done < extent.length;) {
      const size_t want = std::min<uint64_t>(buffer.size(), extent.length - done);
      const size_t got = TRY(read_at(fd, std::span(buffer).first(want), extent.offset + done));
      if (got < want) return Error(ErrorClass::conflict, "it was cut while it was read");
      TRY(take(std::span<const char>(buffer).first(got)));
      done += got;
    }
  }
  return {};
}

}  // namespace appshot::packing
