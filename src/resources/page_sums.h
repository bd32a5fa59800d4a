// What each page of a file or memory object was when it was kept: by it one that is the same still
// is found at the speed of reading, whoever may have written meanwhile and by whatever means.
//
// A sum has 128 bits and begins with a number that only this harness knows, so that nobody can make
// two pages with the same one.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>

namespace appshot {

struct PageSum {
  uint64_t low = 0, high = 0;
  bool operator==(const PageSum&) const = default;
};

// Threads: several at once, each at pages of its own, when there is room for them.
class PageSums {
 public:
  explicit PageSums(uint64_t seed) : seed_(seed) {}

  void make_room(uint64_t start, uint64_t end);
  // The place for a page's sum, all zeros while it is not known; there must be room.
  PageSum& of(uint64_t address);
  PageSum compute(const char* page) const;

 private:
  static constexpr uint64_t kPagesTogether = 256;
  using Together = std::array<PageSum, kPagesTogether>;

  uint64_t seed_;
  std::map<uint64_t, std::unique_ptr<Together>> sums_;
};

}  // namespace appshot
