#include "trace/own_timer.h"

#include <gtest/gtest.h>

namespace appshot {
namespace {

proc::Wakeups list(const std::vector<int64_t>& exact, const std::vector<int64_t>& loose = {}) {
  proc::Wakeups seen;
  for (int64_t at : exact) seen.timers.push_back({at, at});
  for (int64_t at : loose) seen.timers.push_back({at, at + 50'000});
  return seen;
}

TEST(OwnTimer, IsTheOneThatComesWithTheSleep) {
  OwnTimer own;
  own.awake(list({10, 20}));
  own.asleep(list({10, 15, 20}), true);
  own.awake(list({10, 20}));
  EXPECT_EQ(own.found(), 15);
}

TEST(OwnTimer, IsNotOneThatOutlastsTheSleep) {
  OwnTimer own;
  own.awake(list({}));
  own.asleep(list({15, 30}), true);
  EXPECT_EQ(own.found(), std::nullopt);
  own.awake(list({30}));
  EXPECT_EQ(own.found(), 15);
}

TEST(OwnTimer, IsFoundAfterTheListHasLeftItOut) {
  OwnTimer own;
  own.awake(list({}));
  own.asleep(list({}), true);
  own.awake(list({}));
  EXPECT_EQ(own.found(), std::nullopt);
  own.asleep(list({15}), true);
  own.awake(list({}));
  EXPECT_EQ(own.found(), 15);
}

TEST(OwnTimer, IsSeenMoreOftenThanThoseThatComeAndGo) {
  OwnTimer own;
  own.awake(list({}));
  own.asleep(list({15, 40}), true);
  own.awake(list({}));
  EXPECT_EQ(own.found(), std::nullopt);
  own.asleep(list({15, 50}), true);
  own.awake(list({}));
  EXPECT_EQ(own.found(), 15);
}

TEST(OwnTimer, OfASleepHasNoLeeway) {
  OwnTimer own;
  own.awake(list({}));
  own.asleep(list({15}, {40}), true);
  EXPECT_EQ(own.found(), 15);
  OwnTimer of_poll;
  of_poll.awake(list({}));
  of_poll.asleep(list({}, {40}), false);
  EXPECT_EQ(of_poll.found(), 40);
}

}  // namespace
}  // namespace appshot
