// What TCP connections hold: read from all of them together, so that what one end has sent and the
// other not yet received is in one of the two.
#pragma once

#include "base/result.h"
#include "resources/capture_context.h"

namespace appshot::tcp {

// When the descriptors of all processes have been captured, and nothing is done in them any more.
Result<> capture_connections(CaptureContext& context);

}  // namespace appshot::tcp
