// Looking at a traced thread from outside, while its tracer makes it stop.
#pragma once

#include "base/deadline.h"
#include "base/result.h"
#include "os/pids.h"

namespace appshot {

// Whether it stands in a stop of ptrace.
Result<bool> is_in_traced_stop(HostPid process, HostPid tid);
Result<> wait_for_traced_stop(HostPid process, HostPid tid, Deadline deadline);

}  // namespace appshot
