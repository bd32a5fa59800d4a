// How a thread is scheduled: policy, priority, niceness, affinity, I/O priority, timer slack. All
// of it can be read from outside; it is set by the thread itself, before it gives up its
// privileges.
#pragma once

#include <memory>

#include "base/result.h"
#include "image/schema/values.h"
#include "os/pids.h"
#include "trace/call_list.h"

namespace appshot::scheduling {

Result<std::unique_ptr<image::SchedulingT>> capture(HostPid thread);
void plan(const image::SchedulingT& scheduling, CallList& calls, DataSpace& data);

}  // namespace appshot::scheduling
