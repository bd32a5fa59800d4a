// A thread that waited with a time-out goes on with what was left of it.
//
// The call is made once more, by the held thread, and interrupted before it can sleep: so the
// kernel itself keeps when it ends, and everything that can happen to an interrupted call later (a
// handler, a stop, another snapshot) happens as if it had never been made twice.
#pragma once

#include "base/deadline.h"
#include "base/result.h"
#include "image/schema/values.h"
#include "restore/zone.h"
#include "trace/tracee.h"

namespace appshot {

// What must stand in rax when the thread gets its own registers: the kernel's mark for a call that
// goes on, or the result of one that had nothing left to wait for. `now_ns`: the restored
// application's CLOCK_MONOTONIC. The registers are changed; signals are blocked.
Result<int64_t> begin_timed_call(Tracee& thread, const image::WaitingT& waiting, Zone& zone,
                                 int64_t now_ns, Deadline deadline);

}  // namespace appshot
