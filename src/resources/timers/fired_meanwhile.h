// Timers go on while a process is held. One may fire between being asked how it stands and the look
// at the signals that wait: it must neither be lost nor fire once more after a restore.
#pragma once

#include <set>

#include "image/schema/values.h"

namespace appshot::timers {

// The timers whose signals wait in a process.
struct FiredTimers {
  std::set<int> posix;     // by timer id
  std::set<int> interval;  // by signal

  static FiredTimers among(const image::ProcessT& process);
};

// The timers of `process` were asked between `before` and the look at the signals it holds now.
void settle_fired(image::ProcessT& process, const FiredTimers& before);

}  // namespace appshot::timers
