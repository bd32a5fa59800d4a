#include "os/proc/timer_list.h"

#include <gtest/gtest.h>
#include <time.h>
#include <unistd.h>

namespace appshot::proc {
namespace {

constexpr char kText[] =
    "Timer List Version: v0.10\n"
    "HRTIMER_MAX_CLOCK_BASES: 8\n"
    "now at 12406862270419 nsecs\n"
    "\n"
    "cpu: 0\n"
    " clock 0:\n"
    "  .base:       00000000df0eff18\n"
    "  .index:      0\n"
    "  .offset:     0 nsecs\n"
    "active timers:\n"
    " #0: <000000001a622444>, tick_nohz_handler, S:01\n"
    " # expires at 12406864000000-12406864000000 nsecs [in 1729581 to 1729581 nsecs]\n"
    " #1: <00000000bdb85e71>, hrtimer_wakeup, S:01\n"
    " # expires at 12406865648392-12406865698392 nsecs [in 3377973 to 3427973 nsecs]\n"
    " clock 1:\n"
    "  .offset:     1795249783032000717 nsecs\n"
    "active timers:\n"
    " #0: <00000000bdb85e72>, hrtimer_wakeup, S:01\n"
    " # expires at 1795262189894271136-1795262189894271136 nsecs [in 0 to 0 nsecs]\n"
    "  .expires_next   : 12406864000000 nsecs\n"
    "cpu: 1\n"
    " clock 0:\n"
    "  .offset:     0 nsecs\n"
    "active timers:\n";

TEST(TimerList, GivesTheWakeupsOnOneClock) {
  Result<Wakeups> all = parse_timer_list(kText);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->now_ns, 12406862270419);
  EXPECT_EQ(all->timers, (std::vector<Wakeup>{{12406862270419, 12406862270419},
                                              {12406865648392, 12406865698392}}));
}

TEST(TimerList, AnotherTextIsRefused) { EXPECT_FALSE(parse_timer_list("no timers here\n")); }

TEST(TimerList, IsUnderstoodOnThisMachine) {
  if (::access("/proc/timer_list", R_OK) != 0) GTEST_SKIP() << "not for us to read";
  Result<Wakeups> all = wakeups();
  ASSERT_TRUE(all);
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  EXPECT_LE(all->now_ns, now.tv_sec * 1'000'000'000LL + now.tv_nsec);
}

}  // namespace
}  // namespace appshot::proc
