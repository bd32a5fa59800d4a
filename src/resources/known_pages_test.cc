#include "resources/known_pages.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace appshot {
namespace {

using image::PageRun;

// One number a page: where it is kept. 0: not known.
std::map<uint64_t, uint64_t> page_by_page(const KnownPages& known, uint64_t end) {
  std::map<uint64_t, uint64_t> pages;
  uint64_t expected = 0;
  known.visit(0, end, [&](const KnownPages::Part& part) {
    EXPECT_EQ(part.start, expected);
    EXPECT_LT(part.start, part.end);
    expected = part.end;
    if (part.known == nullptr) return;
    EXPECT_EQ(part.known->address(), part.start);
    EXPECT_EQ(part.known->length(), part.end - part.start);
    for (uint64_t at = part.start; at < part.end; ++at)
      pages[at] = part.known->offset() + (at - part.start);
  });
  EXPECT_EQ(expected, end);
  return pages;
}

TEST(KnownPages, PartsOfARangeAreKnownOrGaps) {
  const KnownPages known({PageRun(30, 10, 500), PageRun(10, 10, 100)});
  std::vector<std::pair<uint64_t, bool>> seen;
  known.visit(15, 35, [&](const KnownPages::Part& part) {
    seen.emplace_back(part.start, part.known != nullptr);
    if (part.start == 15) {
      EXPECT_EQ(part.known->offset(), 105u);
    }
  });
  EXPECT_EQ(seen, (std::vector<std::pair<uint64_t, bool>>{{15, true}, {20, false}, {30, true}}));
}

TEST(KnownPages, ZerosAreTold) {
  const KnownPages known({zeros_at(10, 10)});
  known.visit(12, 13, [](const KnownPages::Part& part) {
    ASSERT_NE(part.known, nullptr);
    EXPECT_TRUE(is_zeros(*part.known));
    EXPECT_EQ(part.known->offset(), kOffsetOfZeros + 12);
  });
}

// Against a model that knows of every page by itself.
TEST(KnownPages, ForgettingAndAddingAreAsForEachPageAlone) {
  constexpr uint64_t kEnd = 64;
  std::mt19937 random(7);
  auto below = [&](uint64_t n) { return random() % n; };
  for (int round = 0; round < 300; ++round) {
    KnownPages known;
    std::map<uint64_t, uint64_t> model;
    uint64_t offset = 1000;
    for (int step = 0; step < 12; ++step) {
      const uint64_t start = below(kEnd), end = start + 1 + below(kEnd - start);
      switch (below(3)) {
        case 0: {
          known.forget(start, end);
          for (uint64_t at = start; at < end; ++at) model.erase(at);
          break;
        }
        case 1: {
          const uint64_t first = 1000 + below(200), last = first + below(100);
          // Runs go whole when they begin there; see that with runs of one page only.
          KnownPages single;
          for (const auto& [at, where] : model) single.add({PageRun(at, 1, where)});
          single.forget_offsets(first, last);
          std::erase_if(
              model, [&](const auto& page) { return page.second >= first && page.second < last; });
          known = single;
          break;
        }
        default: {
          std::vector<PageRun> runs;
          for (uint64_t at = start; at < end; at += 1 + below(5)) {
            const uint64_t length = 1 + below(std::min<uint64_t>(4, end - at));
            runs.emplace_back(at, length, offset);
            for (uint64_t i = 0; i < length; ++i) model[at + i] = offset + i;
            offset += length + 1;
            at += length;
          }
          std::shuffle(runs.begin(), runs.end(), random);
          known.add(runs);
        }
      }
      ASSERT_EQ(page_by_page(known, kEnd), model);
    }
  }
}

}  // namespace
}  // namespace appshot
