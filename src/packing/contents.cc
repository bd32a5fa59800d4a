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

}  // namespace

void HoleFinder::content(std::span<const char> bytes) {
  while (!bytes.empty()) {
    const std::span<const char> part =
        bytes.first(std::min<uint64_t>(bytes.size(), kUnit - at_ % kUnit));
    zeros_ = zeros_ && all_zero(part.data(), part.size());
    at_ += part.size();
    bytes = bytes.subspan(part.size());
    if (at_ % kUnit == 0) end_unit();
  }
}

void HoleFinder::hole_until(uint64_t offset) {
  const uint64_t unit_end = (at_ + kUnit - 1) / kUnit * kUnit;
  if (at_ != unit_end && offset >= unit_end) {
    at_ = unit_end;
    end_unit();
  }
  at_ = std::max(at_, offset);
}

// The unit that ends where it has come to.
void HoleFinder::end_unit() {
  if (!zeros_) {
    const uint64_t begin = (at_ - 1) / kUnit * kUnit;
    // Runs of zeros that are too short become bytes; the file's beginning is like the end of a run.
    const uint64_t run_end = extents_.empty() ? 0 : extents_.back().offset + extents_.back().length;
    if (begin - run_end >= kHoleMin || extents_.empty())
      extents_.push_back({begin - run_end >= kHoleMin ? begin : 0, 0});
    extents_.back().length = at_ - extents_.back().offset;
  }
  zeros_ = true;
}

std::optional<std::vector<Extent>> HoleFinder::finish() {
  if (at_ % kUnit != 0) end_unit();
  if (at_ < kHoleMin) return {};
  if (!extents_.empty()) {
    Extent& last = extents_.back();
    if (at_ - last.offset - last.length < kHoleMin) last.length = at_ - last.offset;
    if (last == Extent{0, at_}) return {};
  }
  return std::move(extents_);
}

Result<std::optional<std::vector<Extent>>> extents_of(int fd, uint64_t size) {
  if (size < kHoleMin) return std::optional<std::vector<Extent>>();
  HoleFinder found;
  std::vector<char> buffer(kPieceBytes);
  for (uint64_t offset = 0; offset < size;) {
    const uint64_t data = TRY(next_data(fd, offset, size));
    found.hole_until(data);
    offset = data;
    const size_t want = std::min<uint64_t>(buffer.size(), size - offset);
    if (TRY(read_at(fd, std::span(buffer).first(want), offset)) < want)
      return Error(ErrorClass::conflict, "it was cut while it was read");
    found.content(std::span(buffer).first(want));
    offset += want;
  }
  return found.finish();
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
