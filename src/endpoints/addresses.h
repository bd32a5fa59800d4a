// Virtual addresses: which range of them is a node's, and what belongs to each of them.
#pragma once

#include <string>

#include "os/ip_address.h"
#include "os/links.h"

namespace appshot {

// What one instance is known by to everyone outside of it, and whom it takes the node for.
struct EndpointAddresses {
  IpAddress v4;
  IpAddress v6;  // none where the node has no IPv6
  IpAddress node_v4;
  IpAddress node_v6;
  // What it believes to be its own address (endpoints/translation.h); none: v4.
  IpAddress inner_v4{};

  IpAddress inside_v4() const { return inner_v4 ? inner_v4 : v4; }
  IpAddress inside_v6() const;
  // As whom such an instance knows the one whose address it believes to be its own. Nobody else is
  // called so: it is the first of the node's part, before the node's own.
  IpAddress namesake_v4() const { return IpAddress::v4(node_v4.number() - 1); }
  bool operator==(const EndpointAddresses&) const = default;
};

// Of routes to an address: through its cable while it has one, else where it is parked, if it is.
inline constexpr uint32_t kPluggedMetric = 512;
inline constexpr uint32_t kParkedMetric = 4096;

// Its part of the range that all nodes share. The first address is nobody's, the second the node's
// own.
struct AddressRange {
  IpNetwork whole;
  IpNetwork part;

  IpAddress node_address() const { return IpAddress::v4(part.address.number() + 1); }
  // Addresses for instances are numbered from 0.
  uint32_t count() const { return (1U << (32 - part.bits)) - 3; }
  IpAddress address(uint32_t number) const {
    return IpAddress::v4(part.address.number() + 2 + number);
  }
  IpNetwork whole_v6() const;
  IpNetwork part_v6() const;
};

// The unique local address that goes with a virtual address: it holds it, so it is as unique.
IpAddress v6_of(const IpAddress& v4);
// That of both ends of an instance's cable; the same wherever the instance runs.
links::HardwareAddress hardware_address_of(const IpAddress& v4);

// The parts of a range in the order in which a daemon tries them; another begins elsewhere.
IpNetwork part_of(const IpNetwork& whole, uint32_t identity, uint32_t attempt);
uint32_t parts_of(const IpNetwork& whole);

// Tells daemons of one machine apart: a number made of the folder that is a daemon's own.
uint32_t identity_of(const std::string& state_dir);
std::string hexadecimal(uint32_t number);
// What a daemon's tables of nf_tables are called, or begin with.
std::string table_name_of(uint32_t identity);

}  // namespace appshot
