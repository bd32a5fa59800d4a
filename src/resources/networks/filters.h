// The tables of packet filters of a network namespace (nf_tables), as the kernel tells of them and
// as they are told to it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "os/netlink.h"
#include "resources/networks/objects.h"

namespace appshot::networks {

// Of the calling thread's namespace, in an order in which they can be made. None where the kernel
// has no such thing.
Result<std::vector<Object>> list_filters();
// In words that follow "in which there is …"; empty: they can be kept.
Result<std::string> obstacle_of_filters();
// All at one moment, or nothing.
Result<> make_filters(NetlinkSocket& socket, const std::vector<Object>& filters);

}  // namespace appshot::networks
