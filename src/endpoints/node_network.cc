#include "endpoints/node_network.h"

#include <fcntl.h>
#include <linux/netlink.h>

#include <algorithm>

#include "os/file.h"

namespace appshot {
namespace {

constexpr char kForwarding[] = "/proc/sys/net/ipv4/ip_forward";

IpNetwork only(const IpAddress& address) { return {address, address.bits()}; }

// Packets for instances come by other devices than their cables, too.
Result<> forward() {
  const std::string now = TRY(read_file(kForwarding));
  if (now.starts_with("1")) return {};
  return write_file(kForwarding, "1").within("letting this machine forward packets");
}

bool is_without_v6(const Error& error) {
  return error.err() == EACCES || error.err() == EOPNOTSUPP || error.err() == EAFNOSUPPORT;
}

}  // namespace

Result<std::unique_ptr<NodeNetwork>> NodeNetwork::set_up(const Wish& wish) {
  std::unique_ptr<NodeNetwork> network(new NodeNetwork);
  NetlinkSocket kernel = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  network->identity_ = identity_of(wish.state_dir);
  network->table_.name = table_name_of(network->identity_);
  network->device_ = "as-" + hexadecimal(network->identity_);
  network->table_.range.whole = wish.whole;
  if (!wish.part) TRY(network->remove_leftovers(kernel));
  TRY(network->take_part(kernel, wish));
  TRY(network->make_parking(kernel));
  NetlinkSocket filter = TRY(NetlinkSocket::open(NETLINK_NETFILTER));
  TRY(network->table_.make().commit(filter));
  TRY(forward());
  return network;
}

// Of a daemon with the same folder that was killed, and whose folder was removed.
Result<> NodeNetwork::remove_leftovers(NetlinkSocket& kernel) {
  for (int family : {AF_INET, AF_INET6})
    for (const links::SeenRoute& route : TRY(links::list_routes(kernel, family)))
      if (route.ours && route.metric == identity_)
        TRY(kernel.change(
            links::delete_route(
                {.kind = links::RouteKind::unreachable, .to = route.to, .metric = route.metric}),
            ESRCH));
  if (Result<links::Link> old = links::find(kernel, device_))
    TRY(kernel.change(links::delete_link(old->index), ENODEV));
  return {};
}

// The route that refuses what is for nobody in it says that it is taken; it is made by one alone.
Result<> NodeNetwork::take_part(NetlinkSocket& kernel, const Wish& wish) {
  AddressRange& range = table_.range;
  auto take = [&](const IpNetwork& part, int tolerated) {
    range.part = part;
    return kernel.change(
        links::add_route({.kind = links::RouteKind::unreachable, .to = part, .metric = identity_}),
        tolerated);
  };
  if (wish.part) return take(*wish.part, EEXIST);
  const std::vector<links::SeenRoute> routes = TRY(links::list_routes(kernel, AF_INET));
  const uint32_t parts = parts_of(wish.whole);
  for (uint32_t attempt = 0; attempt < parts; ++attempt) {
    const IpNetwork part = part_of(wish.whole, identity_, attempt);
    const bool is_taken = std::ranges::any_of(routes, [&](const links::SeenRoute& route) {
      const bool is_everywhere = route.to.bits == 0;
      const bool is_of_all = route.ours && route.to == wish.whole && parts > 1;
      return !is_everywhere && !is_of_all && route.to.overlaps(part);
    });
    if (is_taken) continue;
    Result<> taken = take(part, 0);
    if (taken || taken.error().err() != EEXIST) return taken;
  }
  return Error(ErrorClass::exhausted,
               "no part of the range " + wish.whole.text() + " is free on this machine")
      .hint("set range under [network] in the configuration to addresses that nobody uses");
}

std::vector<links::Route> NodeNetwork::refusals() const {
  const AddressRange& range = table_.range;
  std::vector<links::Route> all;
  for (const IpNetwork& network : {range.whole, range.part, range.whole_v6(), range.part_v6()}) {
    if (!network.address.is_v4() && !table_.has_v6) continue;
    all.push_back({.kind = links::RouteKind::unreachable, .to = network, .metric = identity_});
  }
  return all;
}

// A cable whose other end is down: what is sent to it is lost. It has the node's own addresses.
Result<> NodeNetwork::make_parking(NetlinkSocket& kernel) {
  if (Result<links::Link> there = links::find(kernel, device_)) {
    parking_ = there->index;
  } else {
    UniqueFd here = TRY(open_file("/proc/thread-self/ns/net", O_RDONLY));
    TRY(kernel.change(links::new_cable(device_, device_ + "-", here.get())));
    parking_ = TRY(links::find(kernel, device_)).index;
    TRY(kernel.change(links::set_link(parking_, {.up = false})));
  }
  TRY(kernel.change(links::set_link(parking_, {})));
  const IpAddress node = table_.range.node_address();
  TRY(kernel.change(links::add_address(parking_, node), EEXIST));
  Result<> v6 = kernel.change(links::add_address(parking_, v6_of(node)), EEXIST);
  if (!v6 && !is_without_v6(v6.error())) return v6;
  table_.has_v6 = static_cast<bool>(v6);
  for (const links::Route& route : refusals()) TRY(kernel.change(links::add_route(route), EEXIST));
  return {};
}

EndpointAddresses NodeNetwork::addresses_of(const IpAddress& v4) const {
  const IpAddress node = table_.range.node_address();
  if (!table_.has_v6) return {v4, {}, node, {}};
  return {v4, v6_of(v4), node, v6_of(node)};
}

std::vector<links::Route> NodeNetwork::parking_of(const IpAddress& v4) const {
  const EndpointAddresses addresses = addresses_of(v4);
  std::vector<links::Route> all;
  for (const auto& [address, from] :
       {std::pair(addresses.v4, addresses.node_v4), std::pair(addresses.v6, addresses.node_v6)})
    if (address)
      all.push_back(
          {.to = only(address), .index = parking_, .metric = kParkedMetric, .from = from});
  return all;
}

Result<> NodeNetwork::park(const IpAddress& v4) {
  NetlinkSocket kernel = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  std::vector<NetlinkMessage> changes;
  for (const links::Route& route : parking_of(v4)) changes.push_back(links::add_route(route));
  return kernel.change(changes, EEXIST);
}

Result<> NodeNetwork::unpark(const IpAddress& v4) {
  NetlinkSocket kernel = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  std::vector<NetlinkMessage> changes;
  for (const links::Route& route : parking_of(v4)) changes.push_back(links::delete_route(route));
  return kernel.change(changes, ESRCH);
}

Result<> NodeNetwork::publish(const Publication& publication) {
  NetlinkSocket filter = TRY(NetlinkSocket::open(NETLINK_NETFILTER));
  return table_.publish(publication.ports, publication.instance).commit(filter);
}

Result<> NodeNetwork::withdraw(const Publication& publication) {
  NetlinkSocket filter = TRY(NetlinkSocket::open(NETLINK_NETFILTER));
  return table_.withdraw(publication.ports, publication.instance).commit(filter, ENOENT);
}

Result<> NodeNetwork::lead(uint16_t port, uint16_t to) {
  const IpAddress node = table_.range.node_address();
  return publish({{{node, port, to, true}, {node, port, to, false}}, {node, {}, {}, {}}});
}

Result<std::vector<NodeNetwork::Traffic>> NodeNetwork::traffic() {
  NetlinkSocket kernel = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  const std::vector<links::Link> devices = TRY(links::list(kernel));
  std::vector<Traffic> all;
  for (const links::SeenRoute& route : TRY(links::list_routes(kernel, AF_INET))) {
    if (!route.ours || route.to.bits != 32 || route.index == parking_ ||
        !table_.range.part.contains(route.to.address))
      continue;
    for (const links::Link& device : devices)
      if (device.index == route.index)
        all.push_back({route.to.address, device.name, device.sent_bytes, device.received_bytes});
  }
  return all;
}

Result<> NodeNetwork::take_down() {
  NetlinkSocket filter = TRY(NetlinkSocket::open(NETLINK_NETFILTER));
  NetlinkSocket kernel = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  TRY(table_.remove().commit(filter, ENOENT));
  for (const links::Route& route : refusals())
    TRY(kernel.change(links::delete_route(route), ESRCH));
  return kernel.change(links::delete_link(parking_), ENODEV);
}

}  // namespace appshot
