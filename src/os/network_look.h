// What a network namespace holds beside sockets, told so that two can be compared.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "base/result.h"

namespace appshot {

// Devices, addresses, routes, rules, queueing disciplines and tables of packet filters.
using NetworkObjects = std::set<std::string>;
// Files below /proc/sys/net, and what is in them.
using NetworkSettings = std::map<std::string, std::string>;

// The calling thread's.
Result<bool> is_loopback_up();
Result<NetworkObjects> list_network_objects();
NetworkSettings read_network_settings();

// Runs with a network namespace as it is when it is new, but that loopback is up or not.
Result<> in_new_network(bool loopback_up, const std::function<Result<>()>& body);

Result<> set_loopback(bool up);

}  // namespace appshot
