// What of one address space is not in memory yet, and where in the image it lies. Follows what the
// process does with its map meanwhile.
//
// Plain values; threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace appshot {

class MissingMemory {
 public:
  struct Piece {
    uint64_t address, length, offset;  // offset: in the image's pages
    bool operator==(const Piece&) const = default;
  };

  void add(const Piece& piece);
  bool empty() const { return runs_.empty(); }
  uint64_t bytes() const { return bytes_; }
  std::vector<Piece> all() const;

  // At most one block of the image, so that each is read once: the one an address lies in …
  std::optional<Piece> around(uint64_t address) const;
  // … and the first at or behind an address; behind the last comes the first.
  std::optional<Piece> next(uint64_t address) const;
  std::vector<Piece> within(uint64_t start, uint64_t end) const;
  // What of a piece is still missing where it was.
  std::vector<Piece> still(const Piece& piece) const;

  void erase(uint64_t start, uint64_t end);
  void move(uint64_t from, uint64_t to, uint64_t length);

 private:
  struct Run {
    uint64_t length, offset;
  };
  using Runs = std::map<uint64_t, Run>;  // by address
  Runs::const_iterator first_ending_behind(uint64_t address) const;

  Runs runs_;
  uint64_t bytes_ = 0;
};

}  // namespace appshot
