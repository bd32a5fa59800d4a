// Pages of a process that an earlier snapshot has kept, as they are as long as nobody writes them.
#pragma once

#include <cstdint>
#include <vector>

#include "image/schema/values.h"

namespace appshot {

// Pages of zeros are known too, although nothing is kept of them.
inline constexpr uint64_t kOffsetOfZeros = 1ULL << 63;
inline image::PageRun zeros_at(uint64_t address, uint64_t length) {
  return {address, length, kOffsetOfZeros + address};
}
inline bool is_zeros(const image::PageRun& run) { return (run.offset() & kOffsetOfZeros) != 0; }

class KnownPages {
 public:
  KnownPages() = default;
  // In any order, apart from one another.
  explicit KnownPages(std::vector<image::PageRun> runs);

  // The parts of [start, end) one after another: known, or a gap.
  struct Part {
    uint64_t start, end;
    const image::PageRun* known;  // all of it, cut to the part; null: a gap
  };
  template <typename Visit>
  void visit(uint64_t start, uint64_t end, const Visit& visit) const;

  // Not known any more.
  void forget(uint64_t start, uint64_t end) { forget({image::PageRun(start, end - start, 0)}); }
  // Ascending, apart from one another; their offsets do not matter.
  void forget(const std::vector<image::PageRun>& ranges);
  // What is kept at these offsets is not to be used any more.
  void forget_offsets(uint64_t first, uint64_t end);
  // Known from now on, whatever was before.
  void add(std::vector<image::PageRun> runs);

  const std::vector<image::PageRun>& runs() const { return runs_; }
  bool empty() const { return runs_.empty(); }

 private:
  size_t first_after(uint64_t address) const;  // the first run that ends after it
  size_t first_from(uint64_t address) const;   // the first that begins there or after it

  std::vector<image::PageRun> runs_;  // ascending
};

template <typename Visit>
void KnownPages::visit(uint64_t start, uint64_t end, const Visit& visit) const {
  for (size_t i = first_after(start); start < end && i < runs_.size(); ++i) {
    const image::PageRun& run = runs_[i];
    if (run.address() >= end) break;
    if (run.address() > start) visit(Part{start, run.address(), nullptr});
    const uint64_t from = run.address() > start ? run.address() : start;
    const uint64_t until = run.address() + run.length() < end ? run.address() + run.length() : end;
    const image::PageRun cut(from, until - from, run.offset() + (from - run.address()));
    visit(Part{from, until, &cut});
    start = until;
  }
  if (start < end) visit(Part{start, end, nullptr});
}

}  // namespace appshot
