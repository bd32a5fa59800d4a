// The node's side of the network of its instances: a part of the range of virtual addresses, the
// table that translates, and where packets go whose instance is not there.
//
// A packet for an address of an instance that will be back is dropped without a word, so that a
// peer keeps asking (parked); one for an address of nobody is answered as unreachable. None ever
// leaves by the default route. All of it outlives the daemon and is found again by the next.
//
// Threads: one at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "endpoints/addresses.h"
#include "endpoints/table.h"

namespace appshot {

struct Publication {
  std::vector<PublishedPort> ports;
  EndpointAddresses instance;
};

class NodeNetwork {
 public:
  struct Wish {
    IpNetwork whole;                // of all nodes
    std::optional<IpNetwork> part;  // as it was before
    std::string state_dir;          // tells daemons of one machine apart
  };
  // In the caller's network namespace.
  static Result<std::unique_ptr<NodeNetwork>> set_up(const Wish& wish);

  const AddressRange& range() const { return table_.range; }
  EndpointAddresses addresses_of(const IpAddress& v4) const;

  // Each is done already or is done now.
  Result<> park(const IpAddress& v4);
  Result<> unpark(const IpAddress& v4);

  Result<> publish(const Publication& publication);
  Result<> withdraw(const Publication& publication);

  // What is sent to such a port of the node's own address comes to another one there.
  Result<> lead(uint16_t port, uint16_t to);

  // What goes by the cable of an address; none: it has no cable.
  struct Traffic {
    IpAddress address;
    std::string device;
    uint64_t to_instance_bytes = 0;
    uint64_t from_instance_bytes = 0;
  };
  Result<std::vector<Traffic>> traffic();

  // Nothing is left.
  Result<> take_down();

 private:
  NodeNetwork() = default;
  Result<> remove_leftovers(NetlinkSocket& kernel);
  Result<> take_part(NetlinkSocket& kernel, const Wish& wish);
  Result<> make_parking(NetlinkSocket& kernel);
  std::vector<links::Route> refusals() const;
  std::vector<links::Route> parking_of(const IpAddress& v4) const;

  NodeTable table_;
  uint32_t identity_ = 0;
  std::string device_;
  int parking_ = 0;
};

}  // namespace appshot
