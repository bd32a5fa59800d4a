#include "pager/paged_space.h"

#include <algorithm>

namespace appshot {
namespace {

constexpr uint64_t kPage = 4096;

}  // namespace

Result<PagedSpace::News> PagedSpace::read_news() {
  News news;
  std::lock_guard lock(mutex_);
  for (;;) {
    std::optional<Userfault::Event> event = TRY(fault_.next());
    if (!event) return news;
    if (event->kind == Userfault::Event::Kind::fault) {
      news.pages.push_back(event->start);
    } else if (event->kind == Userfault::Event::Kind::fork) {
      news.children.push_back(
          std::make_shared<PagedSpace>(Userfault::of_child(std::move(*event->child)), missing_));
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

Result<PagedSpace::Outcome> PagedSpace::put(const Piece& piece, const char* bytes,
                                            std::optional<uint64_t> page) {
  using Put = Userfault::Put;
  std::lock_guard lock(mutex_);
  for (const Piece& part : missing_.still(piece)) {
    const char* from = bytes + (part.offset - piece.offset);
    if (page && *page >= part.address && *page < part.address + part.length) {
      Put put = TRY(fault_.copy(*page, from + (*page - part.address), kPage));
      if (put == Put::changing) return Outcome::changing;
    }
    Put put = TRY(fault_.copy(part.address, from, part.length));
    // Some of it: whatever the process has unmapped it has given up.
    if (put == Put::unmapped) put = TRY(put_pages(part, from));
    if (put == Put::changing) return Outcome::changing;
    just_moved_.clear();
    if (put == Put::gone) {
      forget_all();
      return Outcome::done;
    }
    missing_.erase(part.address, part.address + part.length);
    bytes_ = missing_.bytes();
  }
  if (page) fault_.wake(*page);
  return Outcome::done;
}

Result<Userfault::Put> PagedSpace::put_pages(const Piece& piece, const char* bytes) {
  using Put = Userfault::Put;
  for (uint64_t at = 0; at < piece.length; at += kPage) {
    Put put = TRY(fault_.copy(piece.address + at, bytes + at, kPage));
    if (put == Put::changing || put == Put::gone) return put;
  }
  return Put::done;
}

Result<PagedSpace::Outcome> PagedSpace::put_zero(uint64_t page) {
  std::lock_guard lock(mutex_);
  Userfault::Put put = TRY(fault_.zero(page));
  if (put == Userfault::Put::changing) return Outcome::changing;
  just_moved_.clear();
  if (put == Userfault::Put::gone) forget_all();
  // Unmapped meanwhile: who waits there finds out by trying again.
  fault_.wake(page);
  return Outcome::done;
}

bool PagedSpace::is_gone() {
  std::lock_guard lock(mutex_);
  const bool gone = fault_.is_gone();
  if (gone) forget_all();
  return gone;
}

void PagedSpace::forget_all() {
  missing_ = MissingMemory();
  bytes_ = 0;
}

}  // namespace appshot
