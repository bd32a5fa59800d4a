#include "trace/own_timer.h"

namespace appshot {

void OwnTimer::awake(const proc::Wakeups& seen) {
  for (const proc::Wakeup& timer : seen.timers) {
    others_.insert(timer.earliest_ns);
    seen_.erase(timer.earliest_ns);
  }
}

void OwnTimer::asleep(const proc::Wakeups& seen, bool exact) {
  for (const proc::Wakeup& timer : seen.timers) {
    if (exact && timer.earliest_ns != timer.latest_ns) continue;
    if (others_.count(timer.earliest_ns) == 0) ++seen_[timer.earliest_ns];
  }
}

std::optional<int64_t> OwnTimer::found() const {
  std::optional<int64_t> likeliest;
  int times = 0;
  for (const auto& [expires_ns, count] : seen_) {
    if (count == times) likeliest.reset();
    if (count <= times) continue;
    likeliest = expires_ns;
    times = count;
  }
  return likeliest;
}

}  // namespace appshot
