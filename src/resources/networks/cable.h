// The instance's own cable, as it is seen from inside: appshot has laid it, and lays it again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/netlink.h"
#include "resources/networks/devices.h"

namespace appshot::networks {

// Of a queueing discipline as it is told of: not one that devices have by themselves, nor ours.
bool is_configured_queue(const NetlinkAnswer& queue);

// Known by the addresses that appshot has given it. Nothing: there is none.
Result<std::optional<Device>> find_cable(NetlinkSocket& socket, const std::vector<Device>& devices);
// What of it the application has changed that a restore would not find, in words that follow "in
// which there is ".
Result<std::string> obstacle_of_cable(NetlinkSocket& socket, const Device& cable);

}  // namespace appshot::networks
