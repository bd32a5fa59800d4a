// How long the frozen threads that wait with a time-out still have to wait.
//
// The kernel keeps it to itself: a thread that was interrupted in nanosleep, poll or a futex
// carries the moment of the end in a place nobody can read. A sleep that was asked to tells its
// remainder. Any other thread is let go on with its call for a moment: then a timer for it stands
// in /proc/timer_list that was not there before. It never comes back to its own code meanwhile (its
// way out of the call is a stop), and if we die in the middle it merely sleeps on.
#pragma once

#include "base/deadline.h"
#include "base/result.h"
#include "trace/frozen_application.h"

namespace appshot {

// Fills in FrozenThread::call. A call may end by this: its result is then in the registers.
Result<> find_time_left(FrozenApplication& frozen, Deadline deadline);

}  // namespace appshot
