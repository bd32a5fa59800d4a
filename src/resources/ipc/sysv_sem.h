// SysV semaphore sets: ids, values, who changed them last.
#pragma once

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/restore_context.h"

namespace appshot::ipc {

Result<> capture_sem(CaptureContext& context, int space);
Result<> restore_sem(RestoreContext& context, int space);

}  // namespace appshot::ipc
