// The time namespace of an instance: CLOCK_MONOTONIC and CLOCK_BOOTTIME go on from where they were
// at the snapshot, on whatever machine and however much later.
#pragma once

#include <time.h>

#include <string>

#include "base/result.h"
#include "os/pids.h"

namespace appshot {

struct Clocks {
  timespec monotonic{};
  timespec boottime{};
};

Clocks clocks_now();                        // as the calling process sees them
Result<Clocks> clocks_of(HostPid process);  // as that process sees them, now

// How far they are ahead of the machine's.
Result<Clocks> clock_offsets_of(const std::string& process);  // as /proc calls it: "12", "self"
timespec difference(const timespec& a, const timespec& b);

// Children of the caller are born into a time namespace in which the clocks show `start` now.
Result<> enter_time_namespace_for_children(const Clocks& start);
// The same: they are that far ahead of the caller's.
Result<> enter_time_namespace_ahead(const Clocks& ahead);

}  // namespace appshot
