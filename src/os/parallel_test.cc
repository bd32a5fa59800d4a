#include "os/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace appshot {
namespace {

TEST(Parallel, DoesEachPieceOnce) {
  std::vector<std::atomic<int>> done(1000);
  in_parallel(done.size(), [&](size_t i) { ++done[i]; });
  for (const std::atomic<int>& times : done) EXPECT_EQ(times, 1);
}

TEST(Parallel, DoesNothingOfNothing) {
  in_parallel(0, [](size_t) { FAIL(); });
}

TEST(Alongside, BringsTheResult) {
  std::atomic<bool> may_end = false;
  Alongside work([&]() -> Result<> {
    while (!may_end) std::this_thread::yield();
    return Error(ErrorClass::gone, "as it should");
  });
  may_end = true;  // only a thread of its own can have waited for this
  Result<> result = work.finish();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().cls(), ErrorClass::gone);
}

TEST(Alongside, IsWaitedForWhenNobodyAsks) {
  bool done = false;
  {
    Alongside work([&]() -> Result<> {
      done = true;
      return {};
    });
  }
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace appshot
