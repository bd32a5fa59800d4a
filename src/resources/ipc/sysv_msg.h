// SysV message queues: ids, limits, and the messages in them, which are copied and not received.
#pragma once

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/restore_context.h"

namespace appshot::ipc {

Result<> capture_msg(CaptureContext& context, int space);
Result<> restore_msg(RestoreContext& context, int space);

}  // namespace appshot::ipc
