// A process that was stopped tells so again whenever one of its threads is let run, without being
// any less ours: waiting for what comes after that.
#pragma once

#include "trace/tracee.h"

namespace appshot {

// `go_on`: how the thread is let run on from a stop that is not news.
inline Result<StopStatus> wait_past_group_stops(Tracee& thread, Result<> (Tracee::*go_on)(),
                                                Deadline deadline) {
  constexpr int kGroupStopsMax = 16;
  for (int stops = 0;; ++stops) {
    StopStatus stop = TRY(thread.wait_stop(deadline));
    bool nothing_new = stop.group_stopped() || stop.interrupted();
    if (!nothing_new || stops == kGroupStopsMax) return stop;
    TRY((thread.*go_on)());
  }
}

}  // namespace appshot
