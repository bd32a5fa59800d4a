// What sockets of IPv4 and IPv6 have in common: addresses and options.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/ip_address.h"
#include "resources/sockets.h"

namespace appshot {

using InetName = std::vector<uint8_t>;  // a sockaddr; empty: none

// Where a socket is bound, and to whom it is connected. Empty: it is not.
Result<InetName> name_of(int socket);
Result<InetName> peer_name_of(int socket);

Result<> bind_to(int socket, const InetName& name);
Result<> connect_to(int socket, const InetName& name);

uint16_t port_of(const InetName& name);
// An IPv4 address also for its IPv6 form.
IpAddress ip_address_of(const InetName& name);
// As a socket of that family tells it.
InetName name_at(int domain, const IpAddress& address, uint16_t port);
// The same for an IPv4 address and for its IPv6 form.
std::string key_of(const InetName& name);

// Whether both are of the same address; an IPv4 address and its IPv6 form are.
bool same_address(const InetName& one, const InetName& other);
bool is_loopback(const InetName& name);
bool is_anywhere(const InetName& name);  // 0.0.0.0 and the like

std::span<const OptionName> inet_options(int domain);
std::span<const OptionName> multicast_options(int domain);
// What a name can be bound to depends on it, or it cannot be changed when the socket has one.
bool is_for_binding(const OptionName& option);

}  // namespace appshot
