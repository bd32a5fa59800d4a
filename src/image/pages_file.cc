#include "image/pages_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include "image/format.h"
#include "os/fault.h"
#include "os/file.h"

namespace appshot::image {
namespace {

// Room given in large pieces beforehand: the kernel then need not find it in the middle of writing.
constexpr uint64_t kReserveAtOnce = 64 << 20;
constexpr uint64_t kNoneReservedBelow = 4 << 20;
constexpr uint64_t kWriteOutAtOnce = 4 << 20;

// The kernel writes at a tenth of the speed what is dirty beyond limits of its own, which are
// larger shares of the memory than this.
uint64_t dirty_max() { return static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * kPageSize / 16; }

}  // namespace

Result<std::unique_ptr<PagesFile>> PagesFile::create(const std::string& path, uint64_t base,
                                                     bool busy_disk) {
  return std::make_unique<PagesFile>(TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600)), base,
                                     busy_disk ? 0 : dirty_max());
}

uint64_t PagesFile::next_block() {
  std::lock_guard lock(mutex_);
  uint64_t block = checksums_.size();
  checksums_.push_back(0);
  const uint64_t start = block * kPagesBlock;
  if (start >= reserved_ + kNoneReservedBelow) {
    // Where the file system cannot, or is full, writing itself tells.
    (void)!::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(start),
                       static_cast<off_t>(kReserveAtOnce));
    reserved_ = start + kReserveAtOnce - kNoneReservedBelow;
  }
  return block;
}

Result<> PagesFile::write(uint64_t block, std::span<const char> bytes) {
  TRY(fault_point("snapshot.pages"));
  TRY(write_all_at(file_.get(), bytes, block * kPagesBlock)
          .within("writing the pages of the image"));
  const bool whole = bytes.size() == kPagesBlock;
  const uint64_t checksum = whole ? XXH3_64bits(bytes.data(), bytes.size()) : 0;
  std::unique_lock lock(mutex_);
  checksums_[block] = checksum;
  if (!whole) short_.push_back({block, {bytes.begin(), bytes.end()}});
  written_ += bytes.size();
  if (tell_) tell_(written_);
  if (written_ < under_way_ + dirty_max_ + kWriteOutAtOnce) return {};
  const auto begin = static_cast<off_t>(under_way_);
  under_way_ += kWriteOutAtOnce;
  lock.unlock();
  // Blocks come back in any order, so a few of these may be missing; nobody relies on it.
  (void)!::sync_file_range(file_.get(), begin, kWriteOutAtOnce, SYNC_FILE_RANGE_WRITE);
  return {};
}

Result<> PagesFile::finish() {
  length_ = checksums_.size() * kPagesBlock;
  for (ShortBlock& block : short_) {
    if (block.number + 1 == checksums_.size())
      length_ -= kPagesBlock - block.bytes.size();
    else
      block.bytes.resize(kPagesBlock);
    checksums_[block.number] = XXH3_64bits(block.bytes.data(), block.bytes.size());
  }
  checksums_.resize((length_ + kPagesBlock - 1) / kPagesBlock);
  // What was reserved too much goes back.
  if (length_ > 0) TRY_SYS(::ftruncate(file_.get(), static_cast<off_t>(length_)));
  return {};
}

uint64_t PagesFile::next_base() const { return base_ + (checksums_.size() + 1) * kPagesBlock; }

std::unique_ptr<PagesPartT> PagesFile::part(const std::string& name) const {
  auto part = std::make_unique<PagesPartT>();
  part->file = name;
  part->base = base_;
  part->length = length_;
  part->checksums = checksums_;
  return part;
}

}  // namespace appshot::image
