#include "base/deadline.h"

#include <gtest/gtest.h>

namespace appshot {
namespace {

TEST(Deadline, NeverTellsANegativeTimeLeft) {
  Deadline past = Deadline::in(std::chrono::milliseconds(-50));
  EXPECT_TRUE(past.passed());
  EXPECT_EQ(past.left_ms(), 0);
}

TEST(Deadline, RoundsTheTimeLeftUp) {
  Deadline soon = Deadline::in(std::chrono::milliseconds(60'000));
  EXPECT_FALSE(soon.passed());
  EXPECT_GT(soon.left_ms(), 59'000);
  EXPECT_LE(soon.left_ms(), 60'000);
}

}  // namespace
}  // namespace appshot
