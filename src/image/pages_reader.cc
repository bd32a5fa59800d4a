#include "image/pages_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <memory>
#include <mutex>
#include <thread>

#include "image/format.h"
#include "os/file.h"

namespace appshot::image {
namespace {

constexpr size_t kBlocksForThreads = 8;  // 2 MiB
constexpr unsigned kThreadsMax = 4;

Error corrupt_block(uint64_t block) {
  return Error(ErrorClass::corrupt, "the image's pages are damaged in block " +
                                        std::to_string(block) + " (bytes " +
                                        std::to_string(block * kPagesBlock) + " on)")
      .hint("the file was changed or the disk is failing; restore from another copy");
}

}  // namespace

Result<PagesReader> PagesReader::open(const std::string& path, uint64_t length,
                                      std::vector<uint64_t> checksums) {
  UniqueFd file = TRY(open_file(path, O_RDONLY));
  struct stat info {};
  TRY_SYS(::fstat(file.get(), &info));
  if (static_cast<uint64_t>(info.st_size) != length)
    return Error(ErrorClass::corrupt, "the image's pages file has " + std::to_string(info.st_size) +
                                          " bytes where the manifest tells of " +
                                          std::to_string(length))
        .hint("the image was cut short or mixed with another; use another copy");
  if (checksums.size() != (length + kPagesBlock - 1) / kPagesBlock)
    return Error(ErrorClass::corrupt, "the image has the wrong number of checksums");
  return PagesReader(std::move(file), length, std::move(checksums));
}

Result<> PagesReader::load(std::vector<Placement> placements, const Tell& tell) const {
  std::sort(placements.begin(), placements.end(),
            [](const Placement& a, const Placement& b) { return a.offset < b.offset; });
  for (size_t i = 0; i < placements.size(); ++i) {
    const Placement& p = placements[i];
    bool overlaps = i > 0 && placements[i - 1].offset + placements[i - 1].length > p.offset;
    if (p.offset > length_ || p.length > length_ - p.offset || overlaps)
      return Error(ErrorClass::corrupt, "the image refers to pages that it does not have");
  }
  std::vector<Wanted> wanted;
  size_t first = 0;
  for (uint64_t block = 0; block < checksums_.size() && first < placements.size(); ++block) {
    const uint64_t start = block * kPagesBlock, end = start + kPagesBlock;
    while (first < placements.size() &&
           placements[first].offset + placements[first].length <= start)
      ++first;
    size_t last = first;
    while (last < placements.size() && placements[last].offset < end) ++last;
    if (last > first)
      wanted.push_back(
          {block, std::span<const Placement>(placements).subspan(first, last - first)});
  }
  return load_blocks(wanted, tell);
}

// Much is loaded by several threads: one alone is kept busy by copying and checking.
Result<> PagesReader::load_blocks(std::span<const Wanted> wanted, const Tell& tell) const {
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  Result<> outcome;
  size_t done = 0;
  auto work = [&] {
    for (size_t i; (i = next++) < wanted.size();) {
      Result<> loaded = load_block(wanted[i].block, wanted[i].placements);
      std::lock_guard lock(mutex);
      if (loaded) {
        if (tell) tell(++done * kPagesBlock, wanted.size() * kPagesBlock);
      } else {
        next = wanted.size();
        outcome = std::move(loaded);
      }
    }
  };
  std::vector<std::thread> helpers;
  if (wanted.size() >= kBlocksForThreads) {
    unsigned threads = std::min(std::thread::hardware_concurrency(), kThreadsMax);
    while (helpers.size() + 1 < threads) helpers.emplace_back(work);
  }
  work();
  for (std::thread& helper : helpers) helper.join();
  return outcome;
}

// Pieces that are wanted are read straight to their place, the rest into a scratch buffer; the
// checksum runs over both in the order of the file.
Result<> PagesReader::load_block(uint64_t block, std::span<const Placement> placements) const {
  const uint64_t start = block * kPagesBlock;
  const uint64_t end = std::min<uint64_t>(start + kPagesBlock, length_);
  auto scratch = std::make_unique_for_overwrite<char[]>(kPagesBlock);  // for what nobody wants
  std::vector<iovec> pieces;
  uint64_t at = start;
  auto piece = [&](uint64_t until, char* to) {
    if (until > at) pieces.push_back({to, until - at});
    at = std::max(at, until);
  };
  for (const Placement& p : placements) {
    uint64_t from = std::max(p.offset, start), until = std::min(p.offset + p.length, end);
    piece(from, scratch.get() + (at - start));
    piece(until, p.to + (from - p.offset));
  }
  piece(end, scratch.get() + (at - start));
  TRY(read_pieces(start, pieces));

  XXH3_state_t* state = XXH3_createState();
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> owner(state, XXH3_freeState);
  XXH3_64bits_reset(state);
  for (const iovec& one : pieces) XXH3_64bits_update(state, one.iov_base, one.iov_len);
  if (XXH3_64bits_digest(state) != checksums_[block]) return corrupt_block(block);
  return {};
}

Result<std::span<const char>> PagesReader::verified_block(uint64_t block) const {
  if (kept_.empty() || kept_block_ != block) {
    const uint64_t start = block * kPagesBlock;
    kept_.resize(std::min<uint64_t>(kPagesBlock, length_ - start));
    kept_block_ = block;
    Result<> read = read_exactly(start, kept_.data(), kept_.size());
    bool intact = read && XXH3_64bits(kept_.data(), kept_.size()) == checksums_[block];
    if (!intact) kept_.clear();
    TRY(read);
    if (!intact) return corrupt_block(block);
  }
  return std::span<const char>(kept_);
}

Result<> PagesReader::copy_to(int fd, uint64_t offset, uint64_t length, uint64_t position) const {
  if (offset > length_ || length > length_ - offset)
    return Error(ErrorClass::corrupt, "the image refers to pages that it does not have");
  while (length > 0) {
    std::span<const char> block = TRY(verified_block(offset / kPagesBlock));
    std::span<const char> part = block.subspan(offset % kPagesBlock);
    part = part.first(std::min<uint64_t>(part.size(), length));
    auto put = static_cast<uint64_t>(
        TRY_SYS(::pwrite(fd, part.data(), part.size(), static_cast<off_t>(position))));
    offset += put;
    position += put;
    length -= put;
  }
  return {};
}

Result<> PagesReader::verify_all() const {
  for (uint64_t block = 0; block < checksums_.size(); ++block) TRY(load_block(block, {}));
  return {};
}

// Few calls for many pieces; what such a call leaves is read piece by piece.
Result<> PagesReader::read_pieces(uint64_t offset, std::span<const iovec> pieces) const {
  while (!pieces.empty()) {
    std::span<const iovec> some = pieces.first(std::min<size_t>(pieces.size(), IOV_MAX));
    pieces = pieces.subspan(some.size());
    ssize_t got = ::preadv(file_.get(), some.data(), static_cast<int>(some.size()),
                           static_cast<off_t>(offset));
    auto done = static_cast<uint64_t>(std::max<ssize_t>(got, 0));
    for (const iovec& piece : some) {
      const uint64_t had = std::min<uint64_t>(done, piece.iov_len);
      TRY(read_exactly(offset + had, static_cast<char*>(piece.iov_base) + had,
                       piece.iov_len - had));
      done -= had;
      offset += piece.iov_len;
    }
  }
  return {};
}

Result<> PagesReader::read_exactly(uint64_t offset, char* to, uint64_t length) const {
  while (length > 0) {
    ssize_t got = ::pread(file_.get(), to, length, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno(errno, "reading the pages of the image");
    if (got == 0) return Error(ErrorClass::corrupt, "the image's pages file is cut short");
    offset += static_cast<uint64_t>(got);
    to += got;
    length -= static_cast<uint64_t>(got);
  }
  return {};
}

}  // namespace appshot::image
