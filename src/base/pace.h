// For what is told again and again: not each time, and nothing when all is done at once.
#pragma once

#include <chrono>

namespace appshot {

class Pace {
 public:
  // True at most once every tenth of a second, and not in the first.
  bool due() {
    const Clock::time_point now = Clock::now();
    if (now - last_ < kBetween) return false;
    last_ = now;
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kBetween{100};
  Clock::time_point last_ = Clock::now();
};

}  // namespace appshot
