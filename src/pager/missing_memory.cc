#include "pager/missing_memory.h"

#include <algorithm>

#include "image/format.h"

namespace appshot {
namespace {

using Piece = MissingMemory::Piece;

Piece cut(const Piece& piece, uint64_t start, uint64_t end) {
  start = std::max(start, piece.address);
  end = std::min(end, piece.address + piece.length);
  return {start, end - start, piece.offset + (start - piece.address)};
}

uint64_t block_end(uint64_t offset) {
  return (offset / image::kPagesBlock + 1) * image::kPagesBlock;
}

}  // namespace

void MissingMemory::add(const Piece& piece) {
  if (piece.length == 0) return;
  runs_[piece.address] = {piece.length, piece.offset};
  bytes_ += piece.length;
}

std::vector<Piece> MissingMemory::all() const { return within(0, ~0ULL); }

MissingMemory::Runs::const_iterator MissingMemory::first_ending_behind(uint64_t address) const {
  auto found = runs_.upper_bound(address);
  if (found == runs_.begin()) return found;
  auto before = std::prev(found);
  return before->first + before->second.length > address ? before : found;
}

std::vector<Piece> MissingMemory::within(uint64_t start, uint64_t end) const {
  std::vector<Piece> found;
  for (auto run = first_ending_behind(start); run != runs_.end() && run->first < end; ++run)
    found.push_back(cut({run->first, run->second.length, run->second.offset}, start, end));
  return found;
}

std::optional<Piece> MissingMemory::around(uint64_t address) const {
  auto run = first_ending_behind(address);
  if (run == runs_.end() || run->first > address) return {};
  const Piece whole{run->first, run->second.length, run->second.offset};
  const uint64_t offset = whole.offset + (address - whole.address);
  const uint64_t block_start = offset / image::kPagesBlock * image::kPagesBlock;
  const uint64_t before = std::min(address - whole.address, offset - block_start);
  return cut(whole, address - before, address + (block_end(offset) - offset));
}

std::optional<Piece> MissingMemory::next(uint64_t address) const {
  if (runs_.empty()) return {};
  auto run = first_ending_behind(address);
  if (run == runs_.end()) run = runs_.begin(), address = 0;
  const Piece rest = cut({run->first, run->second.length, run->second.offset}, address, ~0ULL);
  return cut(rest, rest.address, rest.address + (block_end(rest.offset) - rest.offset));
}

std::vector<Piece> MissingMemory::still(const Piece& piece) const {
  std::vector<Piece> found = within(piece.address, piece.address + piece.length);
  std::erase_if(found, [&](const Piece& one) {
    return one.offset - piece.offset != one.address - piece.address;
  });
  return found;
}

void MissingMemory::erase(uint64_t start, uint64_t end) {
  for (auto run = first_ending_behind(start); run != runs_.end() && run->first < end;) {
    const Piece whole{run->first, run->second.length, run->second.offset};
    bytes_ -= whole.length;
    run = runs_.erase(run);
    const uint64_t whole_end = whole.address + whole.length;
    if (whole.address < start) add(cut(whole, whole.address, start));
    if (whole_end > end) add(cut(whole, end, whole_end));
  }
}

void MissingMemory::move(uint64_t from, uint64_t to, uint64_t length) {
  const std::vector<Piece> moved = within(from, from + length);
  erase(from, from + length);
  erase(to, to + length);
  for (Piece piece : moved) {
    piece.address += to - from;
    add(piece);
  }
}

}  // namespace appshot
