#include "resources/timers/timers.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <time.h>

namespace appshot::timers {
namespace {

TEST(PosixTimers, ReadsEachKindOfNotification) {
  auto timers = parse_posix_timers(
      "ID: 0\nsignal: 14/00000000deadbeef\nnotify: signal/pid.41\nClockID: 1\n"
      "ID: 7\nsignal: 34/ffffffffffffffff\nnotify: signal/tid.42\nClockID: 0\n"
      "ID: 2147483647\nsignal: 0/0000000000000000\nnotify: none/pid.41\nClockID: -6\n"
      "ID: 9\nsignal: 10/0000000000000001\nnotify: thread/pid.41\nClockID: 7\n");
  ASSERT_EQ(timers.size(), 4u);
  EXPECT_EQ(timers[0].id, 0);
  EXPECT_EQ(timers[0].signal, 14);
  EXPECT_EQ(timers[0].sigev_value, 0xdeadbeefu);
  EXPECT_EQ(timers[0].notify, SIGEV_SIGNAL);
  EXPECT_EQ(timers[0].clock, CLOCK_MONOTONIC);
  EXPECT_EQ(timers[1].notify, SIGEV_SIGNAL | SIGEV_THREAD_ID);
  EXPECT_EQ(timers[1].thread, 42);
  EXPECT_EQ(timers[1].sigev_value, ~uint64_t{0});
  EXPECT_EQ(timers[2].id, 2147483647);
  EXPECT_EQ(timers[2].notify, SIGEV_NONE);
  EXPECT_EQ(timers[2].clock, -6);
  EXPECT_EQ(timers[3].notify, SIGEV_THREAD);
}

TEST(PosixTimers, NothingIsReadFromNothing) {
  EXPECT_TRUE(parse_posix_timers("").empty());
  EXPECT_TRUE(parse_posix_timers("signal: 14/1\nClockID: 1\n").empty());
}

}  // namespace
}  // namespace appshot::timers
