// TCP connections that no program has any more: closed by their owner with something still to tell
// the other end, or at their end and kept by the kernel for a while (TIME_WAIT). They are a matter
// of a network namespace, not of a process.
#pragma once

#include "base/result.h"
#include "resources/capture_context.h"

namespace appshot::tcp {

// Of the instance's own networks; those in the host's are the host's. Where the kernel's memory
// cannot be read they are left out, but for those that would lose what they have to tell.
Result<> capture_left(CaptureContext& context);

}  // namespace appshot::tcp
