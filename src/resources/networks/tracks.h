// The connections that the packet filters of a network namespace follow (conntrack).
#pragma once

#include <vector>

#include "base/result.h"
#include "os/netlink.h"
#include "resources/networks/objects.h"

namespace appshot::networks {

// In the namespace of the socket, which is one of NETLINK_NETFILTER.
Result<std::vector<Object>> list_tracks(NetlinkSocket& socket);
Result<> make_tracks(NetlinkSocket& socket, const std::vector<Object>& tracks);

}  // namespace appshot::networks
