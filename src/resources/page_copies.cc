#include "resources/page_copies.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>

#include "image/format.h"
#include "os/parallel.h"

namespace appshot {
namespace {

using image::kPageSize;

// What one thread does at a time.
constexpr uint64_t kPieceMax = 1 << 20;
// So much is copied in less time than it takes to begin another thread.
constexpr uint64_t kWorthAThread = 1 << 20;
constexpr size_t kFilesMax = 64;

bool is_zero_page(const char* page) {
  uint64_t first;
  std::memcpy(&first, page, sizeof first);
  return first == 0 && std::memcmp(page, page + 8, kPageSize - 8) == 0;
}

void append_run(std::vector<image::PageRun>& runs, const image::PageRun& next) {
  if (!runs.empty()) {
    const image::PageRun& last = runs.back();
    if (last.address() + last.length() == next.address() &&
        last.offset() + last.length() == next.offset()) {
      runs.back() = image::PageRun(last.address(), last.length() + next.length(), last.offset());
      return;
    }
  }
  runs.push_back(next);
}

}  // namespace

// Which pages that have just been read lie in an earlier image as they are. One for each thread.
class PageCopies::Comparison {
 public:
  explicit Comparison(const EarlierBytes& earlier) : earlier_(earlier) {}

  // `bytes` are whole pages of the piece, from `at`.
  void look(const Piece& piece, uint64_t at, std::span<const char> bytes) {
    kept_.assign(bytes.size() / kPageSize, kNowhere);
    if (piece.sums != nullptr)
      for (size_t page = 0; page < kept_.size(); ++page)
        sums_[page] = piece.sums->compute(bytes.data() + page * kPageSize);
    if (piece.likely != nullptr)
      piece.likely->visit(at, at + bytes.size(), [&](const KnownPages::Part& part) {
        if (part.known != nullptr && !is_zeros(*part.known))
          compare(piece, *part.known, part.start - at, bytes.subspan(part.start - at));
      });
    if (piece.sums == nullptr) return;
    for (size_t page = 0; page < kept_.size(); ++page)
      piece.sums->of(at + page * kPageSize) = sums_[page];
  }

  // Offset in the image.
  std::optional<uint64_t> kept(size_t page) const {
    return kept_[page] == kNowhere ? std::optional<uint64_t>() : kept_[page];
  }

 private:
  static constexpr uint64_t kNowhere = ~0ULL;
  static constexpr size_t kPagesMax = image::kPagesBlock / kPageSize;

  // `into`: where the run begins in what was read, and `bytes` with it.
  void compare(const Piece& piece, const image::PageRun& run, uint64_t into,
               std::span<const char> bytes) {
    std::optional<bool> there;  // the bytes that it had, read if they are needed
    for (uint64_t done = 0; done < run.length(); done += kPageSize) {
      const uint64_t page = (into + done) / kPageSize;
      const PageSum before =
          piece.sums == nullptr ? PageSum() : piece.sums->of(run.address() + done);
      bool same = before != PageSum() && before == sums_[page];
      if (before == PageSum()) {
        if (!there) there = earlier_.read(run.offset(), {room(), run.length()});
        same = *there && std::memcmp(room() + done, bytes.data() + done, kPageSize) == 0;
      }
      if (same) kept_[page] = run.offset() + done;
    }
  }

  char* room() {
    if (!room_) room_ = std::make_unique_for_overwrite<char[]>(image::kPagesBlock);
    return room_.get();
  }

  const EarlierBytes& earlier_;
  std::vector<uint64_t> kept_;
  std::array<PageSum, kPagesMax> sums_;
  std::unique_ptr<char[]> room_;
};

// Cut where they would be in any file, so that what is known of pages together is in one piece.
void PageCopies::add(const std::shared_ptr<const PageSource>& source, uint64_t start, uint64_t end,
                     std::vector<image::PageRun>& runs, ZeroPages zeros, const KnownPages* likely) {
  while (start < end) {
    const uint64_t length = std::min(end - start, kPieceMax - start % kPieceMax);
    pieces_.push_back({source, start, start + length, zeros, &runs, {}, likely});
    bytes_ += length;
    start += length;
  }
}

void PageCopies::add_known(const image::PageRun& run, std::vector<image::PageRun>& runs) {
  if (pieces_.empty() || pieces_.back().source != nullptr || pieces_.back().runs != &runs)
    pieces_.push_back({nullptr, 0, 0, {}, &runs, {}});
  pieces_.back().found.push_back(run);
}

Result<> PageCopies::add_file(UniqueFd file, const std::string& name, uint64_t size,
                              std::vector<image::PageRun>& runs, KnownContent* known,
                              Content content) {
  // What is known of it changes while it is copied: of a file under two names once.
  if (std::ranges::any_of(contents_, [&](const KnownRuns& one) { return one.known == known; }))
    known = nullptr;
  const size_t first = pieces_.size();
  auto source = std::make_shared<const FilePages>(
      std::move(file), name,
      known != nullptr && content == Content::changing ? known->mapping : nullptr);
  const uint64_t pages_end = (size + kPageSize - 1) / kPageSize * kPageSize;
  for (uint64_t at = 0; at < size;) {
    off_t data = ::lseek(source->fd(), static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;
    if (data < 0) return Error::from_errno(errno, "lseek(SEEK_DATA)");
    off_t hole = ::lseek(source->fd(), data, SEEK_HOLE);
    if (hole < 0) return Error::from_errno(errno, "lseek(SEEK_HOLE)");
    at = static_cast<uint64_t>(data) / kPageSize * kPageSize;
    const uint64_t end = std::min<uint64_t>(
        (static_cast<uint64_t>(hole) + kPageSize - 1) / kPageSize * kPageSize, pages_end);
    add(source, at, end, runs, ZeroPages::dropped, known == nullptr ? nullptr : &known->pages);
    at = end;
  }
  if (known != nullptr) {
    contents_.push_back({known, &runs});
    for (size_t i = first; i < pieces_.size(); ++i) {
      known->sums.make_room(pieces_[i].start, pieces_[i].end);
      pieces_[i].sums = &known->sums;
      if (content == Content::still && known->mapping && pieces_[i].end <= known->mapping->size())
        pieces_[i].still = known->mapping;
    }
  }
  return ++files_ < kFilesMax ? Result<>() : complete();
}

Result<> PageCopies::complete() {
  const size_t threads =
      bytes_ < kWorthAThread ? 1 : std::max(1U, std::thread::hardware_concurrency());
  while (writers_.size() < threads) writers_.emplace_back(file_);
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  Result<> outcome;
  in_parallel(threads, [&](size_t thread) {
    Comparison comparison(earlier_);
    for (size_t i = next++; i < pieces_.size(); i = next++) {
      Result<> copied = copy(pieces_[i], writers_[thread], comparison);
      if (copied) continue;
      next = pieces_.size();
      std::lock_guard lock(mutex);
      outcome = std::move(copied);
    }
  });
  for (const Piece& piece : pieces_)
    for (const image::PageRun& run : piece.found) append_run(*piece.runs, run);
  for (const KnownRuns& content : contents_) content.known->pages = KnownPages(*content.runs);
  contents_.clear();
  pieces_.clear();
  bytes_ = files_ = 0;
  return outcome;
}

Result<> PageCopies::close() {
  TRY(complete());
  for (image::PagesWriter& writer : writers_) TRY(writer.close());
  return {};
}

// Whole pages from there on: where they lie, or read into the room. None: it ends there.
Result<std::span<const char>> PageCopies::look(const Piece& piece, uint64_t at,
                                               std::span<char> room) {
  if (piece.still) return std::span<const char>(piece.still->at(at), room.size());
  Result<size_t> read = piece.source->read(at, room);
  if (!read)
    return std::move(read).within(piece.source->words(piece.start, piece.end)).take_error();
  return std::span<const char>(room.first(*read));
}

// Read into the writer's room, what need not be kept squeezed out, the runs noted.
Result<> PageCopies::copy(Piece& piece, image::PagesWriter& writer, Comparison& comparison) {
  if (piece.source == nullptr) return {};  // known already
  const bool compares = piece.likely != nullptr || piece.sums != nullptr;
  for (uint64_t at = piece.start; at < piece.end;) {
    std::span<char> room = writer.room();
    room = room.first(std::min<uint64_t>(room.size(), piece.end - at));
    const std::span<const char> bytes = TRY(look(piece, at, room));
    if (bytes.empty()) return {};
    if (compares) comparison.look(piece, at, bytes);
    size_t kept = 0;
    for (size_t page = 0; page < bytes.size(); page += kPageSize) {
      const char* from = bytes.data() + page;
      if (piece.zeros != ZeroPages::kept && is_zero_page(from)) {
        if (piece.zeros == ZeroPages::noted)
          append_run(piece.found, zeros_at(at + page, kPageSize));
        continue;
      }
      if (compares)
        if (const std::optional<uint64_t> earlier = comparison.kept(page / kPageSize)) {
          append_run(piece.found, image::PageRun(at + page, kPageSize, *earlier));
          continue;
        }
      char* to = room.data() + kept;
      if (to != from) std::memmove(to, from, kPageSize);
      append_run(piece.found, image::PageRun(at + page, kPageSize, writer.offset() + kept));
      kept += kPageSize;
    }
    TRY(writer.commit(kept));
    at += bytes.size();
  }
  return {};
}

}  // namespace appshot
