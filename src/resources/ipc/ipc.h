// SysV objects of an IPC namespace: shared memory, semaphores and message queues, with their ids
// and keys.
#pragma once

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/restore_context.h"

namespace appshot::ipc {

// Called inside the IPC namespace `space` (of Image.namespaces; -1: the instance's own), when all
// memory and descriptors have been captured.
Result<> capture(CaptureContext& context, int space);
// When all have been: what is attached, and of none of them.
Result<> find_unreachable(CaptureContext& context);

// Those of all namespaces, before memory and descriptors are made.
Result<> restore(RestoreContext& context);
// When everyone's memory is in its window: what is kept alive only by being used.
Result<> restore_attached(RestoreContext& context);

}  // namespace appshot::ipc
