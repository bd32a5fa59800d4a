// The node's table of nf_tables: what leaves for the world does so in the node's name, and
// published ports lead to their instances. It says nothing of devices: instances come and go
// without it.
#pragma once

#include <string>

#include "endpoints/addresses.h"
#include "os/nftables.h"

namespace appshot {

struct PublishedPort {
  IpAddress at{};  // none: every address of the node
  uint16_t port = 0;
  uint16_t inside = 0;
  bool udp = false;

  // "8080:80", "127.0.0.1:53:53/udp": as it is given and shown. "0:80": any that is free.
  static Result<PublishedPort> parse(const std::string& text);
  std::string text() const;
  bool operator==(const PublishedPort&) const = default;
};

struct NodeTable {
  std::string name;
  AddressRange range;
  bool has_v6 = false;

  // In place of whatever has the name.
  nft::Transaction make() const;
  nft::Transaction remove() const;
  nft::Transaction publish(std::span<const PublishedPort> ports,
                           const EndpointAddresses& instance) const;
  nft::Transaction withdraw(std::span<const PublishedPort> ports,
                            const EndpointAddresses& instance) const;
};

}  // namespace appshot
