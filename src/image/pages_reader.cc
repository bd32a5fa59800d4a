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
#include "image/shared_pages.h"
#include "os/file.h"

namespace appshot::image {
namespace {

constexpr size_t kBlocksForThreads = 8;  // 2 MiB
constexpr unsigned kThreadsMax = 4;

Result<UniqueFd> open_pages(const std::string& path, const std::string& name, uint64_t length) {
  UniqueFd file = TRY(open_pages_file(path));
  struct stat info {};
  TRY_SYS(::fstat(file.get(), &info));
  if (static_cast<uint64_t>(info.st_size) != length)
    return Error(ErrorClass::corrupt,
                 "the image's file " + name + " has " + std::to_string(info.st_size) +
                     " bytes where the manifest tells of " + std::to_string(length))
        .hint("the image was cut short or mixed with another; use another copy");
  return file;
}

}  // namespace

Error PagesReader::corrupt_block(const PagesPartT& part, uint64_t start) {
  const uint64_t at = part.position + (start - part.base);
  return Error(ErrorClass::corrupt, "the image's pages are damaged in block " +
                                        std::to_string(at / kPagesBlock) + " of its file " +
                                        part.file + " (bytes " + std::to_string(at) + " on)")
      .hint("the file was changed or the disk is failing; restore from another copy");
}

Result<PagesReader> PagesReader::open(const std::string& folder, const PagesParts& parts) {
  PagesReader reader;
  std::map<std::string, uint64_t> lengths{{kPagesName, 0}};
  for (const auto& part : parts) {
    uint64_t& length = lengths[part->file];
    length = std::max(length, part->position + part->length);
  }
  for (const auto& [name, length] : lengths)
    reader.files_[name] = TRY(open_pages(folder + "/" + name, name, length));
  for (const auto& part : parts) reader.parts_.push_back(std::make_unique<PagesPartT>(*part));
  return reader;
}

std::vector<int> PagesReader::descriptors() const {
  std::vector<int> all;
  for (const auto& file : files_) all.push_back(file.second.get());
  return all;
}

Result<> PagesReader::load(std::vector<Placement> placements, const Tell& tell) const {
  std::sort(placements.begin(), placements.end(),
            [](const Placement& a, const Placement& b) { return a.offset < b.offset; });
  std::vector<Wanted> wanted;
  const std::span<const Placement> all(placements);
  for (size_t i = 0; i < placements.size(); ++i) {
    const Placement& p = placements[i];
    if (p.length == 0) continue;
    const bool overlaps = i > 0 && all[i - 1].offset + all[i - 1].length > p.offset;
    const PagesPartT* part = find_part(parts_, p.offset, p.length);
    if (part == nullptr || overlaps)
      return Error(ErrorClass::corrupt, "the image refers to pages that it does not have");
    uint64_t start = p.offset / kPagesBlock * kPagesBlock;
    // The block that it begins in may have been wanted already.
    if (!wanted.empty() && wanted.back().start == start) {
      Wanted& last = wanted.back();
      last.placements = {last.placements.data(), &p + 1};
      start += kPagesBlock;
    }
    for (; start < p.offset + p.length; start += kPagesBlock)
      wanted.push_back({part, start, all.subspan(i, 1)});
  }
  return load_blocks(wanted, tell);
}

Result<> PagesReader::verify(std::vector<PageRun> runs) const {
  std::vector<Wanted> wanted;
  std::sort(runs.begin(), runs.end(),
            [](const PageRun& a, const PageRun& b) { return a.offset() < b.offset(); });
  for (const PageRun& run : runs) {
    const PagesPartT* part = find_part(parts_, run.offset(), run.length());
    if (part == nullptr)
      return Error(ErrorClass::corrupt, "the image refers to pages that it does not have");
    uint64_t start = run.offset() / kPagesBlock * kPagesBlock;
    if (!wanted.empty()) start = std::max(start, wanted.back().start + kPagesBlock);
    for (; start < run.offset() + run.length(); start += kPagesBlock)
      wanted.push_back({part, start, {}});
  }
  return load_blocks(wanted, {});
}

// Much is loaded by several threads: one alone is kept busy by copying and checking.
Result<> PagesReader::load_blocks(std::span<const Wanted> wanted, const Tell& tell) const {
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  Result<> outcome;
  size_t done = 0;
  auto work = [&] {
    for (size_t i; (i = next++) < wanted.size();) {
      Result<> loaded = load_block(wanted[i]);
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
Result<> PagesReader::load_block(const Wanted& wanted) const {
  const PagesPartT& part = *wanted.part;
  const uint64_t start = wanted.start;
  const uint64_t end = std::min<uint64_t>(start + kPagesBlock, part.base + part.length);
  auto scratch = std::make_unique_for_overwrite<char[]>(kPagesBlock);  // for what nobody wants
  std::vector<iovec> pieces;
  uint64_t at = start;
  auto piece = [&](uint64_t until, char* to) {
    if (until > at) pieces.push_back({to, until - at});
    at = std::max(at, until);
  };
  for (const Placement& p : wanted.placements) {
    uint64_t from = std::max(p.offset, start), until = std::min(p.offset + p.length, end);
    piece(from, scratch.get() + (at - start));
    piece(until, p.to + (from - p.offset));
  }
  piece(end, scratch.get() + (at - start));
  TRY(read_pieces(part, start, pieces));

  XXH3_state_t* state = XXH3_createState();
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> owner(state, XXH3_freeState);
  XXH3_64bits_reset(state);
  for (const iovec& one : pieces) XXH3_64bits_update(state, one.iov_base, one.iov_len);
  if (XXH3_64bits_digest(state) != part.checksums[(start - part.base) / kPagesBlock])
    return corrupt_block(part, start);
  return {};
}

Result<std::span<const char>> PagesReader::verified_block(const PagesPartT& part,
                                                          uint64_t start) const {
  if (kept_.empty() || kept_start_ != start) {
    kept_.resize(std::min<uint64_t>(kPagesBlock, part.base + part.length - start));
    kept_start_ = start;
    Result<> read = read_exactly(part, start, kept_.data(), kept_.size());
    const uint64_t checksum = part.checksums[(start - part.base) / kPagesBlock];
    bool intact = read && XXH3_64bits(kept_.data(), kept_.size()) == checksum;
    if (!intact) kept_.clear();
    TRY(read);
    if (!intact) return corrupt_block(part, start);
  }
  return std::span<const char>(kept_);
}

Result<> PagesReader::copy_to(int fd, uint64_t offset, uint64_t length, uint64_t position) const {
  const PagesPartT* part = find_part(parts_, offset, length);
  if (part == nullptr)
    return Error(ErrorClass::corrupt, "the image refers to pages that it does not have");
  while (length > 0) {
    std::span<const char> block = TRY(verified_block(*part, offset / kPagesBlock * kPagesBlock));
    std::span<const char> bytes = block.subspan(offset % kPagesBlock);
    bytes = bytes.first(std::min<uint64_t>(bytes.size(), length));
    auto put = static_cast<uint64_t>(
        TRY_SYS(::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(position))));
    offset += put;
    position += put;
    length -= put;
  }
  return {};
}

// Few calls for many pieces; what such a call leaves is read piece by piece.
Result<> PagesReader::read_pieces(const PagesPartT& part, uint64_t offset,
                                  std::span<const iovec> pieces) const {
  while (!pieces.empty()) {
    std::span<const iovec> some = pieces.first(std::min<size_t>(pieces.size(), IOV_MAX));
    pieces = pieces.subspan(some.size());
    ssize_t got = ::preadv(fd_of(part), some.data(), static_cast<int>(some.size()),
                           static_cast<off_t>(part.position + (offset - part.base)));
    auto done = static_cast<uint64_t>(std::max<ssize_t>(got, 0));
    for (const iovec& piece : some) {
      const uint64_t had = std::min<uint64_t>(done, piece.iov_len);
      TRY(read_exactly(part, offset + had, static_cast<char*>(piece.iov_base) + had,
                       piece.iov_len - had));
      done -= had;
      offset += piece.iov_len;
    }
  }
  return {};
}

Result<> PagesReader::read_exactly(const PagesPartT& part, uint64_t offset, char* to,
                                   uint64_t length) const {
  while (length > 0) {
    ssize_t got =
        ::pread(fd_of(part), to, length, static_cast<off_t>(part.position + (offset - part.base)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno(errno, "reading the pages of the image");
    if (got == 0)
      return Error(ErrorClass::corrupt, "the image's file " + part.file + " is cut short");
    offset += static_cast<uint64_t>(got);
    to += got;
    length -= static_cast<uint64_t>(got);
  }
  return {};
}

}  // namespace appshot::image
