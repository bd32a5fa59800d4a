#include "image/block_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include "image/format.h"
#include "os/fault.h"
#include "os/file.h"

namespace appshot::image {
namespace {

constexpr size_t kBlocksMax = 32;  // 8 MiB on their way
// The disk is kept busy from the beginning: waiting for all of it at the end would take as long
// again, and what is dirty beyond the kernel's limits is written at a tenth of the speed.
constexpr uint64_t kWriteOutAtOnce = 4 << 20;
// Room given in large pieces beforehand: the kernel then need not find it in the middle of writing.
constexpr uint64_t kReserveAtOnce = 64 << 20;

}  // namespace

BlockFile::BlockFile(UniqueFd file) : file_(std::move(file)) {}

BlockFile::~BlockFile() { stop(); }

Result<Block> BlockFile::next_block() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failure_ || !free_.empty() || made_ < kBlocksMax; });
  if (failure_) return *failure_;
  if (free_.empty()) {
    ++made_;
    return Block{std::vector<char>(kPagesBlock), 0};
  }
  Block block = std::move(free_.back());
  free_.pop_back();
  block.filled = 0;
  return block;
}

void BlockFile::put(Block block) {
  std::lock_guard lock(mutex_);
  full_.push_back(std::move(block));
  // One block alone is written by finish(), without a thread.
  if (!thread_.joinable() && full_.size() > 1) thread_ = std::thread([this] { run(); });
  changed_.notify_all();
}

void BlockFile::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return closing_ || !full_.empty(); });
    if (full_.empty()) return;
    Block block = std::move(full_.front());
    full_.pop_front();
    lock.unlock();
    Result<> written = write(block);
    lock.lock();
    free_.push_back(std::move(block));
    if (!written && !failure_) failure_ = written.take_error();
    changed_.notify_all();
    if (failure_) return;
  }
}

Result<> BlockFile::write(const Block& block) {
  TRY(fault_point("snapshot.pages"));
  checksums_.push_back(XXH3_64bits(block.bytes.data(), block.filled));
  if (written_ >= reserved_ + kWriteOutAtOnce) reserve_room();
  TRY(write_all(file_.get(), {block.bytes.data(), block.filled})
          .within("writing the pages of the image"));
  written_ += block.filled;
  if (written_ - under_way_ < kWriteOutAtOnce) return {};
  TRY_SYS(::sync_file_range(file_.get(), static_cast<off_t>(under_way_),
                            static_cast<off_t>(written_ - under_way_), SYNC_FILE_RANGE_WRITE));
  under_way_ = written_;
  return {};
}

// Where the file system cannot, or is full, writing itself tells.
void BlockFile::reserve_room() {
  (void)!::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(written_),
                     static_cast<off_t>(kReserveAtOnce));
  reserved_ = written_ + kReserveAtOnce - kWriteOutAtOnce;
}

Result<> BlockFile::finish() {
  stop();
  if (failure_) return *failure_;
  for (; !full_.empty(); full_.pop_front()) TRY(write(full_.front()));
  // What was reserved too much goes back.
  if (reserved_ > 0) TRY_SYS(::ftruncate(file_.get(), static_cast<off_t>(written_)));
  if (written_ > under_way_)
    TRY_SYS(::sync_file_range(file_.get(), static_cast<off_t>(under_way_),
                              static_cast<off_t>(written_ - under_way_), SYNC_FILE_RANGE_WRITE));
  return {};
}

Result<> BlockFile::make_durable() {
  if (written_ > 0) TRY_SYS(::fdatasync(file_.get()));
  return {};
}

void BlockFile::stop() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace appshot::image
