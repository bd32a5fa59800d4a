// The multicast groups that a socket has joined. No call lists them: each group that is joined on
// the machine is tried.
#pragma once

#include "base/result.h"
#include "resources/sockets.h"

namespace appshot {

// As options that join them again.
Result<> capture_groups(int socket, int domain, SocketOptions& options);

}  // namespace appshot
