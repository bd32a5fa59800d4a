// What the application has mounted becomes part of the image.
#pragma once

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/mounts/seen_mounts.h"

namespace appshot::mounts {

// Mounts, namespaces and file systems; before anything is looked for by its name.
Result<> capture(CaptureContext& context, const SeenMounts& seen);
// What is in the file systems.
Result<> capture_contents(CaptureContext& context, const SeenMounts& seen);

}  // namespace appshot::mounts
