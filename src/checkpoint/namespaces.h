// What the instance's namespaces hold that no process shows: names, clocks, IPC objects.
#pragma once

#include "base/result.h"
#include "resources/capture_context.h"

namespace appshot {

Result<> capture_namespaces(CaptureContext& context);

}  // namespace appshot
