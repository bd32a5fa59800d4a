// What a long operation tells of how far it has come: now and then, not at every step.
#pragma once

#include <chrono>

#include "protocol/channel.h"
#include "protocol/messages.h"

namespace appshot {

class Progress {
 public:
  Progress(Channel& channel, int64_t request) : channel_(channel), request_(request) {}

  void operator()(const char* phase, uint64_t done, uint64_t total) {
    const Clock::time_point now = Clock::now();
    if (now - told_ < kBetween) return;
    told_ = now;
    (void)!channel_.send(make_progress(request_, phase, done, total));  // whoever asked may be gone
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kBetween{100};

  Channel& channel_;
  int64_t request_;
  Clock::time_point told_ = Clock::now();  // a short operation tells nothing
};

}  // namespace appshot
