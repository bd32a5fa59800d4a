// An instance's way to the outside: a virtual network cable from its namespace to the host's.
//
// Laying one takes the kernel longer than most of a restore, so it is done before anyone knows
// whose it will be. It goes away with the instance's namespace; packets to the address go then
// where the node has said (node_network.h).
#pragma once

#include <optional>

#include "endpoints/addresses.h"
#include "os/links.h"
#include "os/netlink.h"

namespace appshot {

class Cable {
 public:
  // From the caller's namespace to the one that `host` and its socket are of.
  static Result<Cable> lay(NetlinkSocket host_socket, int host);
  // The one that is there, of an instance that runs already; `inside` is a socket in its namespace.
  static Result<Cable> find(NetlinkSocket host_socket, NetlinkSocket inside);

  // The instance's end gets the addresses that it has inside. Nothing is sent to it yet.
  Result<> give(const EndpointAddresses& addresses);
  // The host's end translates between those and the ones by which others know it; once, and before
  // anything goes by it.
  Result<> translate(const EndpointAddresses& addresses);
  // From now on packets for the addresses come; or go, as if it had no cable, where they are
  // parked.
  Result<> plug(const EndpointAddresses& addresses);
  Result<> unplug(const EndpointAddresses& addresses);

  // Nothing that the instance sends leaves it, not an acknowledgement and not a reset, until it is
  // undone. What comes still arrives.
  Result<> mute();
  Result<> unmute();

 private:
  Cable(NetlinkSocket host, NetlinkSocket inside)
      : host_(std::move(host)), inside_(std::move(inside)) {}

  NetlinkSocket host_;
  NetlinkSocket inside_;
  std::vector<links::Route> routes_to(const EndpointAddresses& addresses) const;

  int host_index_ = 0;
  int inside_index_ = 0;
};

// What every instance calls its end.
inline constexpr char kInsideName[] = "eth0";

}  // namespace appshot
