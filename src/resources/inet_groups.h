// The multicast groups that a socket has joined. No call lists them: each group that is joined on
// the machine is tried.
#pragma once

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/sockets.h"

namespace appshot {

// As options that join them again.
Result<> capture_groups(int socket, int domain, SocketOptions& options);

// The device for multicasts that was chosen by index (IP_MULTICAST_IF), which only the kernel's
// memory tells; where that cannot be read, it is lost.
Result<> capture_multicast_device(CaptureContext& context, int socket, SocketOptions& options);

}  // namespace appshot
