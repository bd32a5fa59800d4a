#include "pager/paged_space.h"

#include <algorithm>

namespace appshot {
namespace {

constexpr uint64_t kPage = 4096;
// Put in one go, while no news can be read.
constexpr uint64_t kAtOnce = 64 << 10;

}  // namespace

Result<PagedSpace::News> PagedSpace::read_news() {
  News news;
  std::unique_lock alone(map_);
  std::lock_guard lock(mutex_);
  for (;;) {
    std::optional<Userfault::Event> event = TRY(fault_.next());
    if (!event) return news;
    if (event->kind == Userfault::Event::Kind::fault) {
      news.pages.push_back(event->start);
    } else if (event->kind == Userfault::Event::Kind::fork) {
      news.children.push_back(std::make_shared<PagedSpace>(
          pid_, Userfault::of_child(std::move(*event->child)), missing_));
    } else {
      follow(*event);
    }
  }
}

void PagedSpace::follow(const Userfault::Event& event) {
  if (event.kind == Userfault::Event::Kind::moved) {
    missing_.move(event.start, event.to, event.end - event.start);
    bytes_ = missing_.bytes();
    just_moved_.push_back({event.to, event.to + (event.end - event.start)});
    return;
  }
  // If it was what moved that is unmapped, putting it there will fail and it is forgotten then.
  const bool may_be_older =
      event.unmapped && std::ranges::any_of(just_moved_, [&](const Range& range) {
        return range.start < event.end && event.start < range.end;
      });
  if (!may_be_older) missing_.erase(event.start, event.end);
  bytes_ = missing_.bytes();
}

std::optional<PagedSpace::Piece> PagedSpace::around(uint64_t address) {
  std::lock_guard lock(mutex_);
  return missing_.around(address);
}

std::optional<PagedSpace::Piece> PagedSpace::next() {
  std::lock_guard lock(mutex_);
  std::optional<Piece> piece = missing_.next(cursor_);
  if (piece) cursor_ = piece->address + piece->length;
  return piece;
}

void PagedSpace::go_on_at(uint64_t address) {
  std::lock_guard lock(mutex_);
  cursor_ = address;
}

std::vector<PagedSpace::Piece> PagedSpace::all() {
  std::lock_guard lock(mutex_);
  return missing_.all();
}

Result<PagedSpace::Outcome> PagedSpace::put(const Piece& piece, const char* bytes) {
  using Put = Userfault::Put;
  for (uint64_t at = 0; at < piece.length; at += kAtOnce) {
    const Piece some{piece.address + at, std::min(kAtOnce, piece.length - at), piece.offset + at};
    std::shared_lock together(map_);
    for (const Piece& part : still(some)) {
      const Put put = TRY(put_part(part, bytes + (part.offset - piece.offset)));
      if (put == Put::changing) return Outcome::changing;
      if (put == Put::gone) return Outcome::done;
    }
  }
  return Outcome::done;
}

Result<PagedSpace::Outcome> PagedSpace::put_page(const Piece& piece, const char* bytes,
                                                 uint64_t page) {
  using Put = Userfault::Put;
  std::shared_lock together(map_);
  for (const Piece& part : still({page, kPage, piece.offset + (page - piece.address)})) {
    const Put put = TRY(put_part(part, bytes + (part.offset - piece.offset)));
    if (put == Put::changing) return Outcome::changing;
  }
  // Somebody else may have put it, or it is unmapped: who waits there finds out by trying again.
  fault_.wake(page);
  return Outcome::done;
}

std::vector<PagedSpace::Piece> PagedSpace::still(const Piece& piece) {
  std::lock_guard lock(mutex_);
  return missing_.still(piece);
}

Result<Userfault::Put> PagedSpace::put_part(const Piece& part, const char* bytes) {
  using Put = Userfault::Put;
  Put put = TRY(fault_.copy(part.address, bytes, part.length));
  // Some of it: whatever the process has unmapped it has given up.
  if (put == Put::unmapped) put = TRY(put_pages(part, bytes));
  if (put == Put::gone) forget_all();
  if (put == Put::done || put == Put::unmapped) now_there(part);
  return put;
}

Result<Userfault::Put> PagedSpace::put_pages(const Piece& part, const char* bytes) {
  using Put = Userfault::Put;
  for (uint64_t at = 0; at < part.length; at += kPage) {
    Put put = TRY(fault_.copy(part.address + at, bytes + at, kPage));
    if (put == Put::changing || put == Put::gone) return put;
  }
  return Put::done;
}

void PagedSpace::now_there(const Piece& part) {
  std::lock_guard lock(mutex_);
  just_moved_.clear();
  missing_.erase(part.address, part.address + part.length);
  bytes_ = missing_.bytes();
}

Result<PagedSpace::Outcome> PagedSpace::put_zero(uint64_t page) {
  std::shared_lock together(map_);
  Userfault::Put put = TRY(fault_.zero(page));
  if (put == Userfault::Put::changing) return Outcome::changing;
  if (put == Userfault::Put::gone) forget_all();
  now_there({page, 0, 0});
  // Unmapped meanwhile: who waits there finds out by trying again.
  fault_.wake(page);
  return Outcome::done;
}

bool PagedSpace::is_gone() {
  const bool gone = fault_.is_gone();
  if (gone) forget_all();
  return gone;
}

void PagedSpace::forget_all() {
  std::lock_guard lock(mutex_);
  missing_ = MissingMemory();
  bytes_ = 0;
}

}  // namespace appshot
