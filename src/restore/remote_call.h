// A system call made by a restored thread that we hold, at the stub's own instruction. If we die in
// the middle the thread dies with us (PTRACE_O_EXITKILL), so nothing has to be prepared for that.
#pragma once

#include "base/deadline.h"
#include "base/result.h"
#include "restore/zone.h"
#include "trace/call_list.h"
#include "trace/tracee.h"

namespace appshot {

// Leaves the thread stopped on its way out of the call, its registers changed.
Result<int64_t> remote_call(Tracee& thread, const Zone& zone, long number,
                            const CallArguments& args, Deadline deadline);

// The same in steps, so that many processes can be in it at once: the thread runs after the first,
// and again after the second.
Result<> begin_remote_call(Tracee& thread, const Zone& zone, long number,
                           const CallArguments& args);
Result<> enter_remote_call(Tracee& thread, Deadline deadline);
Result<int64_t> end_remote_call(Tracee& thread, Deadline deadline);

}  // namespace appshot
