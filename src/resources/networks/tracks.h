// The connections that the packet filters of a network namespace follow (conntrack).
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "os/netlink.h"
#include "resources/inet.h"
#include "resources/networks/objects.h"

namespace appshot::networks {

// In the namespace of the socket, which is one of NETLINK_NETFILTER.
Result<std::vector<Object>> list_tracks(NetlinkSocket& socket);
Result<> make_tracks(NetlinkSocket& socket, const std::vector<Object>& tracks);

bool is_track(const Object& object);

// Of a TCP connection whose ends see one another by other names than they have: who calls, whom he
// believes to call, who is called, and who seems to call him.
struct Translation {
  InetName caller, called, callee, calling;
};
std::optional<Translation> translation_in(const Object& track);

}  // namespace appshot::networks
