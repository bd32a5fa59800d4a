#include "os/proc/timer_list.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "os/file.h"

namespace appshot::proc {

// "now at N nsecs", then for each processor and clock ".offset: N nsecs" and pairs of lines:
//  #1: <…>, hrtimer_wakeup, S:01
//  # expires at SOFT-HARD nsecs [in … to … nsecs]
Result<Wakeups> parse_timer_list(std::string_view text) {
  Wakeups all;
  bool dated = false, wakes = false;
  int64_t offset = 0;  // of the clock whose timers follow
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    long long number = 0, soft = 0, hard = 0;
    if (std::sscanf(line.c_str(), "now at %lld nsecs", &number) == 1) {
      all.now_ns = number;
      dated = true;
    } else if (std::sscanf(line.c_str(), " .offset: %lld nsecs", &number) == 1) {
      offset = number;
    } else if (line.starts_with(" #") && line.find(": <") != std::string::npos) {
      wakes = line.find(" hrtimer_wakeup,") != std::string::npos;
    } else if (std::sscanf(line.c_str(), " # expires at %lld-%lld nsecs", &soft, &hard) == 2) {
      if (wakes) all.timers.push_back({soft - offset, hard - offset});
      wakes = false;
    }
  }
  if (!dated) return Error(ErrorClass::unsupported, "/proc/timer_list is not understood");
  std::sort(all.timers.begin(), all.timers.end());
  return all;
}

Result<Wakeups> wakeups() { return parse_timer_list(TRY(read_file("/proc/timer_list"))); }

}  // namespace appshot::proc
