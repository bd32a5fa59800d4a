// Hears of processes that the kernel ends for want of memory.
#pragma once

#include <poll.h>

#include <optional>

#include "base/deadline.h"
#include "base/result.h"
#include "os/controllers.h"
#include "os/unique_fd.h"

namespace appshot {

class MemoryWatch {
 public:
  MemoryWatch() = default;
  // What was ended before is no news.
  static Result<MemoryWatch> begin(const LimitedGroups& groups);

  pollfd wait() const { return {event_.get(), POLLIN | POLLPRI, 0}; }
  int fd() const { return event_.get(); }
  // The kernel tells (v1) before it ends anybody: so it is looked again for a while.
  void expect_news();
  int next_look_ms() const;  // -1: not before it tells
  // How many it has ended since this was asked last.
  int64_t news(const LimitedGroups& groups);

 private:
  UniqueFd event_;
  int64_t told_ = 0;
  std::optional<Deadline> looks_until_;
};

}  // namespace appshot
