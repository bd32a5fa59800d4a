// Children of vfork are born last of all. Who makes one waits in the kernel from then on, so all
// else must be done by then; and at the moment between the birth and the wait (PTRACE_EVENT_VFORK)
// the harness gives the waiting thread the registers with which it will go on.
#pragma once

#include "base/deadline.h"
#include "base/result.h"
#include "image/schema/values.h"
#include "resources/births.h"
#include "restore/zone.h"
#include "trace/tracee.h"

namespace appshot {

// The id of the thread that closes in the end what a process holds for such children: made by its
// script, it waits until they are born. Only of who has_table_of_awaiting().
int closer_of(const image::ImageT& image, const PidSpaces& spaces, const image::ProcessT& process);

struct LateBirth {
  Tracee& waiter;                // stopped at the end of its script
  const image::ThreadT& record;  // the waiter's
  const image::ProcessT& child;
  StubTask* task;         // what the child does
  unsigned long options;  // PTRACE_O_*, for both
};
// Leaves both stopped: the one on its way into the wait, the other at the end of its script.
Result<Tracee> bear(const LateBirth& birth, const Births& births, Zone& zone, Deadline deadline);

}  // namespace appshot
