// The options that TCP sockets have beyond those of all inet sockets.
#pragma once

#include "resources/sockets.h"

namespace appshot::tcp {

// `was_connected`: it is or has been.
Result<SocketOptions> options_of(int socket, int domain, bool was_connected);

}  // namespace appshot::tcp
