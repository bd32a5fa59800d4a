#include "endpoints/cable.h"

#include <linux/rtnetlink.h>

#include <array>

#include "endpoints/translation.h"

namespace appshot {
namespace {

constexpr char kHostName[] = "appshot%d";  // the kernel puts the number
// Of a route to ::1: worse than the loopback device's own, and no other's.
uint32_t loopback_metric(int device) { return 4096 + static_cast<uint32_t>(device); }

IpNetwork only(const IpAddress& address) { return {address, address.bits()}; }

}  // namespace

Result<Cable> Cable::lay(NetlinkSocket host_socket, int host) {
  Cable cable(std::move(host_socket), TRY(NetlinkSocket::open(NETLINK_ROUTE)));
  TRY(cable.inside_.change(links::new_cable(kInsideName, kHostName, host)));
  const links::Link inside = TRY(links::find(cable.inside_, kInsideName));
  cable.inside_index_ = inside.index;
  cable.host_index_ = inside.other_end;
  // Before they come up, so that they get no addresses but ours.
  TRY(cable.host_.change(
      links::set_link(cable.host_index_, {.up = false, .serves_instance = true})));
  TRY(cable.inside_.change(links::set_link(cable.inside_index_, {.up = false})));
  TRY(cable.host_.change(links::set_link(cable.host_index_, {.serves_instance = true})));
  TRY(cable.inside_.change(links::set_link(cable.inside_index_, {})));
  TRY(cable.host_.change(links::settle_link(cable.host_index_)));
  links::Route everywhere;
  everywhere.to = {IpAddress::v4(0), 0};
  everywhere.index = cable.inside_index_;
  TRY(cable.inside_.change(links::add_route(everywhere)));
  return cable;
}

Result<Cable> Cable::find(NetlinkSocket host_socket, NetlinkSocket inside) {
  Cable cable(std::move(host_socket), std::move(inside));
  const links::Link link = TRY(links::find(cable.inside_, kInsideName));
  cable.inside_index_ = link.index;
  cable.host_index_ = link.other_end;
  return cable;
}

Result<> Cable::give(const EndpointAddresses& addresses) {
  const links::HardwareAddress hardware = hardware_address_of(addresses.inside_v4());
  std::vector<NetlinkMessage> changes{
      links::set_link(inside_index_, {.hardware_address = &hardware}),
      links::add_address(inside_index_, addresses.inside_v4())};
  if (addresses.v6) {
    changes.push_back(links::add_address(inside_index_, addresses.inside_v6()));
    changes.push_back(links::add_route({.to = only(addresses.node_v6), .index = inside_index_}));
  }
  return inside_.change(changes);
}

Result<> Cable::translate(const EndpointAddresses& addresses) {
  return translate_at(host_, host_index_, addresses);
}

std::vector<links::Route> Cable::routes_to(const EndpointAddresses& addresses) const {
  std::vector<links::Route> routes;
  for (const auto& [address, node] :
       {std::pair(addresses.v4, addresses.node_v4), std::pair(addresses.v6, addresses.node_v6)})
    if (address)
      routes.push_back(
          {.to = only(address), .index = host_index_, .metric = kPluggedMetric, .from = node});
  return routes;
}

Result<> Cable::plug(const EndpointAddresses& addresses) {
  const links::HardwareAddress hardware = hardware_address_of(addresses.inside_v4());
  std::vector<NetlinkMessage> changes{
      links::set_link(host_index_, {.hardware_address = &hardware, .serves_instance = true})};
  // The cable of its life before may not have gone yet.
  for (const links::Route& route : routes_to(addresses))
    changes.push_back(links::replace_route(route));
  // Answers to ::1, which its translation has sent out, come back by the cable: where they may
  // arrive is looked up for their device alone.
  if (addresses.v6)
    changes.push_back(links::replace_route({.kind = links::RouteKind::local,
                                            .to = only(IpAddress::v6(in6addr_loopback)),
                                            .index = host_index_,
                                            .metric = loopback_metric(host_index_)}));
  return host_.change(changes);
}

Result<> Cable::unplug(const EndpointAddresses& addresses) {
  std::vector<NetlinkMessage> changes;
  for (const links::Route& route : routes_to(addresses))
    changes.push_back(links::delete_route(route));
  return host_.change(changes, ESRCH);
}

Result<> Cable::mute() { return inside_.change(links::drop_all(inside_index_)); }

Result<> Cable::unmute() { return inside_.change(links::undo_drop_all(inside_index_)); }

}  // namespace appshot
