#include "resources/known_pages.h"

#include <algorithm>

namespace appshot {
namespace {

using image::PageRun;

uint64_t end_of(const PageRun& run) { return run.address() + run.length(); }

void sort(std::vector<PageRun>& runs) {
  std::sort(runs.begin(), runs.end(),
            [](const PageRun& a, const PageRun& b) { return a.address() < b.address(); });
}

}  // namespace

KnownPages::KnownPages(std::vector<PageRun> runs) : runs_(std::move(runs)) { sort(runs_); }

size_t KnownPages::first_after(uint64_t address) const {
  auto found = std::partition_point(runs_.begin(), runs_.end(),
                                    [&](const PageRun& run) { return end_of(run) <= address; });
  return static_cast<size_t>(found - runs_.begin());
}

size_t KnownPages::first_from(uint64_t address) const {
  auto found = std::partition_point(runs_.begin(), runs_.end(),
                                    [&](const PageRun& run) { return run.address() < address; });
  return static_cast<size_t>(found - runs_.begin());
}

// One pass over both, from the first to the last that is concerned.
void KnownPages::forget(const std::vector<PageRun>& ranges) {
  if (ranges.empty()) return;
  const size_t first = first_after(ranges.front().address());
  const size_t last = std::max(first, first_from(end_of(ranges.back())));
  if (first == last) return;
  std::vector<PageRun> left;
  left.reserve(last - first + ranges.size());
  size_t next = 0;
  for (size_t at = first; at < last; ++at) {
    const PageRun& run = runs_[at];
    while (next < ranges.size() && end_of(ranges[next]) <= run.address()) ++next;
    PageRun rest = run;
    for (size_t i = next; i < ranges.size() && ranges[i].address() < end_of(run); ++i) {
      if (rest.address() < ranges[i].address())
        left.emplace_back(rest.address(), ranges[i].address() - rest.address(), rest.offset());
      const uint64_t from = std::clamp(end_of(ranges[i]), rest.address(), end_of(run));
      rest = PageRun(from, end_of(run) - from, run.offset() + (from - run.address()));
    }
    if (rest.length() > 0) left.push_back(rest);
  }
  const auto at = runs_.begin() + static_cast<ptrdiff_t>(first);
  const auto end = runs_.begin() + static_cast<ptrdiff_t>(last);
  const size_t replaced = std::min(left.size(), last - first);
  const auto rest_of_left = left.begin() + static_cast<ptrdiff_t>(replaced);
  const auto rest = std::copy(left.begin(), rest_of_left, at);
  if (rest_of_left == left.end())
    runs_.erase(rest, end);
  else
    runs_.insert(rest, rest_of_left, left.end());
}

void KnownPages::forget_offsets(uint64_t first, uint64_t end) {
  std::erase_if(runs_,
                [&](const PageRun& run) { return run.offset() >= first && run.offset() < end; });
}

void KnownPages::add(std::vector<PageRun> runs) {
  sort(runs);
  forget(runs);
  runs_.insert(runs_.end(), runs.begin(), runs.end());
  sort(runs_);
}

}  // namespace appshot
