// /proc/timer_list: the timers that sleeping threads are woken by. It does not say whose they are;
// who lets one thread sleep and wake at will can tell (trace/time_left).
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace appshot::proc {

// Moments on the machine's CLOCK_MONOTONIC (outside of all time namespaces): what the sleeper asked
// for, and how much later the kernel may be.
struct Wakeup {
  int64_t earliest_ns = 0, latest_ns = 0;
  auto operator<=>(const Wakeup&) const = default;
};

struct Wakeups {
  int64_t now_ns = 0;
  std::vector<Wakeup> timers;  // sorted
};

Result<Wakeups> parse_timer_list(std::string_view text);
// Of this machine. Fails where the file is not there or not for us to read.
Result<Wakeups> wakeups();

}  // namespace appshot::proc
