// IPC objects of the instance's own IPC namespace: SysV shared memory, semaphores and message
// queues with their ids and keys, and POSIX message queues.
#pragma once

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/restore_context.h"

namespace appshot::ipc {

// Called inside the instance's IPC namespace.
Result<> capture(CaptureContext& context);
Result<> restore(RestoreContext& context);

}  // namespace appshot::ipc
