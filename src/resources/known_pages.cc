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

// One pass over both, however many there are of either.
void KnownPages::forget(const std::vector<PageRun>& ranges) {
  std::vector<PageRun> left;
  size_t next = 0;
  for (const PageRun& run : runs_) {
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
  runs_ = std::move(left);
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
