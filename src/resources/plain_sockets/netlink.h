// What netlink sockets have of their own.
#pragma once

#include "resources/sockets.h"

namespace appshot::plain_sockets {

// Protocols in which the kernel keeps nothing for a socket but its groups.
bool is_kept_whole(int netlink_protocol);

std::span<const OptionName> netlink_options();
// The groups it listens to, as options that join them again.
Result<> capture_memberships(int socket, SocketOptions& options);

}  // namespace appshot::plain_sockets
