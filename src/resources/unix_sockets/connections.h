// How the UNIX sockets of an application hang together: what no single descriptor tells.
#pragma once

#include <vector>

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/process_source.h"

namespace appshot::unix_sockets {

// Connected with a socket outside of the application, or with something in it that nobody can see
// before it is accepted. Call with all its processes. Tells whether descriptors may be on their way
// through one.
Result<bool> find_obstacles(const InstanceView& instance,
                            const std::vector<ProcessSource>& processes, Obstacles& obstacles);

// When the descriptors of all processes have been captured: peers, who waits to be accepted, and
// what is queued, with the files that are on their way.
Result<> capture_connections(CaptureContext& context, const std::vector<ProcessSource>& processes);

}  // namespace appshot::unix_sockets
