#include "os/links.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

namespace appshot::links {
namespace {

constexpr uint16_t kMake = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
constexpr uint16_t kChange = NLM_F_ACK;
constexpr uint32_t kFirst = 1;  // the order among programs at one device

ifinfomsg of_link(int index) {
  ifinfomsg link{};
  link.ifi_family = AF_UNSPEC;
  link.ifi_index = index;
  return link;
}

void without_resolution(ifinfomsg& link) {
  link.ifi_flags |= IFF_NOARP;
  link.ifi_change |= IFF_NOARP;
}

// No addresses but those that it is given.
void add_family_settings(NetlinkMessage& message, bool serves_instance) {
  message.nest(IFLA_AF_SPEC, [&](NetlinkMessage& families) {
    families.nest(AF_INET6, [](NetlinkMessage& v6) {
      v6.number<uint8_t>(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    });
    if (!serves_instance) return;
    families.nest(AF_INET, [](NetlinkMessage& v4) {
      v4.nest(IFLA_INET_CONF, [](NetlinkMessage& conf) {
        conf.number<uint32_t>(IPV4_DEVCONF_ROUTE_LOCALNET, 1);
        conf.number<uint32_t>(IPV4_DEVCONF_FORWARDING, 1);
        conf.number<uint32_t>(IPV4_DEVCONF_RP_FILTER, 1);
      });
    });
  });
}

NetlinkMessage route_message(uint16_t type, uint16_t flags, const Route& route,
                             const std::string& what) {
  rtmsg fixed{};
  fixed.rtm_family = static_cast<uint8_t>(route.to.address.family());
  fixed.rtm_dst_len = route.to.bits;
  fixed.rtm_protocol = kOurProtocol;
  fixed.rtm_table = route.kind == RouteKind::local ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
  fixed.rtm_type = route.kind == RouteKind::device        ? RTN_UNICAST
                   : route.kind == RouteKind::unreachable ? RTN_UNREACHABLE
                                                          : RTN_LOCAL;
  fixed.rtm_scope = route.kind == RouteKind::device && route.to.address.is_v4() ? RT_SCOPE_LINK
                                                                                : RT_SCOPE_UNIVERSE;
  NetlinkMessage message(type, flags, fixed, what + route.to.text());
  message.add(RTA_DST, route.to.address.bytes());
  if (route.index != 0) message.number<uint32_t>(RTA_OIF, static_cast<uint32_t>(route.index));
  if (route.metric != 0) message.number<uint32_t>(RTA_PRIORITY, route.metric);
  if (route.from) message.add(RTA_PREFSRC, route.from.bytes());
  return message;
}

NetlinkMessage queue_message(uint16_t type, uint16_t flags, int index, const char* what) {
  tcmsg fixed{};
  fixed.tcm_family = AF_UNSPEC;
  fixed.tcm_ifindex = index;
  fixed.tcm_parent = TC_H_ROOT;
  return NetlinkMessage(type, flags, fixed, what);
}

template <typename T>
std::span<const uint8_t> request_bytes(const T& request) {
  return {reinterpret_cast<const uint8_t*>(&request), sizeof request};
}

Link parse_link(const NetlinkAnswer& answer) {
  constexpr size_t kFixed = sizeof(ifinfomsg);
  Link link;
  link.index = answer.fixed<ifinfomsg>().ifi_index;
  link.other_end = answer.number<int>(kFixed, IFLA_LINK);
  std::span<const uint8_t> name = answer.attribute(kFixed, IFLA_IFNAME);
  if (name.size() > 1) link.name.assign(name.begin(), name.end() - 1);
  const auto statistics = answer.number<rtnl_link_stats64>(kFixed, IFLA_STATS64);
  link.received_bytes = statistics.rx_bytes;
  link.sent_bytes = statistics.tx_bytes;
  return link;
}

IpAddress address_from(int family, std::span<const uint8_t> bytes) {
  in6_addr raw{};
  std::memcpy(&raw, bytes.data(), std::min(bytes.size(), sizeof raw));
  return family == AF_INET ? IpAddress::v4(ntohl(raw.s6_addr32[0])) : IpAddress::v6(raw);
}

}  // namespace

NetlinkMessage new_cable(const std::string& here, const std::string& there, int there_namespace) {
  ifinfomsg near = of_link(0);
  without_resolution(near);
  NetlinkMessage message(RTM_NEWLINK, kMake, near, "new virtual network cable");
  message.add(IFLA_IFNAME, here);
  message.nest(IFLA_LINKINFO, [&](NetlinkMessage& info) {
    info.add(IFLA_INFO_KIND, std::string_view("veth"));
    info.nest(IFLA_INFO_DATA, [&](NetlinkMessage& data) {
      data.nest(VETH_INFO_PEER, [&](NetlinkMessage& peer) {
        ifinfomsg far = of_link(0);
        without_resolution(far);
        peer.raw(request_bytes(far));
        peer.add(IFLA_IFNAME, there);
        peer.number<int>(IFLA_NET_NS_FD, there_namespace);
      });
    });
  });
  return message;
}

NetlinkMessage set_link(int index, const LinkSettings& settings) {
  ifinfomsg fixed = of_link(index);
  without_resolution(fixed);
  fixed.ifi_flags |= settings.up ? IFF_UP : 0;
  fixed.ifi_change |= IFF_UP;
  NetlinkMessage message(RTM_SETLINK, kChange, fixed,
                         "settings of network device " + std::to_string(index));
  if (settings.hardware_address != nullptr)
    message.add(IFLA_ADDRESS, std::span<const uint8_t>(*settings.hardware_address));
  add_family_settings(message, settings.serves_instance);
  return message;
}

NetlinkMessage settle_link(int index) {
  return NetlinkMessage(RTM_GETLINK, kChange, of_link(index),
                        "state of network device " + std::to_string(index));
}

NetlinkMessage delete_link(int index) {
  return NetlinkMessage(RTM_DELLINK, kChange, of_link(index),
                        "removal of network device " + std::to_string(index));
}

NetlinkMessage add_address(int index, const IpAddress& address) {
  ifaddrmsg fixed{};
  fixed.ifa_family = static_cast<uint8_t>(address.family());
  fixed.ifa_prefixlen = address.bits();
  fixed.ifa_index = static_cast<uint32_t>(index);
  fixed.ifa_flags = IFA_F_NODAD | IFA_F_PERMANENT;
  NetlinkMessage message(RTM_NEWADDR, kMake, fixed, "address " + address.text());
  message.add(IFA_LOCAL, address.bytes()).add(IFA_ADDRESS, address.bytes());
  message.number<uint8_t>(IFA_PROTO, kOurProtocol);
  return message;
}

NetlinkMessage add_route(const Route& route) {
  return route_message(RTM_NEWROUTE, kMake, route, "route to ");
}

NetlinkMessage replace_route(const Route& route) {
  return route_message(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, route, "route to ");
}

NetlinkMessage delete_route(const Route& route) {
  return route_message(RTM_DELROUTE, kChange, route, "removal of the route to ");
}

NetlinkMessage drop_all(int index) {
  NetlinkMessage message = queue_message(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
                                         index, "a queue that drops everything");
  message.add(TCA_KIND, std::string_view("blackhole"));
  return message;
}

NetlinkMessage undo_drop_all(int index) {
  return queue_message(RTM_DELQDISC, kChange, index, "removal of the queue that drops everything");
}

NetlinkMessage let_programs_see(int index) {
  tcmsg fixed{};
  fixed.tcm_family = AF_UNSPEC;
  fixed.tcm_ifindex = index;
  fixed.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0U);
  fixed.tcm_parent = TC_H_CLSACT;
  NetlinkMessage message(RTM_NEWQDISC, kMake, fixed, "place for programs at a network device");
  message.add(TCA_KIND, std::string_view("clsact"));
  return message;
}

NetlinkMessage add_program(int index, Way way, int program) {
  tcmsg fixed{};
  fixed.tcm_family = AF_UNSPEC;
  fixed.tcm_ifindex = index;
  fixed.tcm_parent =
      TC_H_MAKE(TC_H_CLSACT, way == Way::coming ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
  fixed.tcm_info = TC_H_MAKE(kFirst << 16, static_cast<uint32_t>(htons(ETH_P_ALL)));
  NetlinkMessage message(RTM_NEWTFILTER, kMake, fixed, "program at a network device");
  message.add(TCA_KIND, std::string_view("bpf"));
  message.nest(TCA_OPTIONS, [&](NetlinkMessage& options) {
    options.number<uint32_t>(TCA_BPF_FD, static_cast<uint32_t>(program));
    options.add(TCA_BPF_NAME, std::string_view("appshot"));
    options.number<uint32_t>(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
  });
  return message;
}

Result<std::vector<Link>> list(NetlinkSocket& socket) {
  const ifinfomsg request = of_link(0);
  std::vector<Link> all;
  TRY(socket.list(RTM_GETLINK, request_bytes(request), "list of network devices",
                  [&](const NetlinkAnswer& answer) { all.push_back(parse_link(answer)); }));
  return all;
}

Result<Link> find(NetlinkSocket& socket, const std::string& name) {
  for (Link& link : TRY(list(socket)))
    if (link.name == name) return std::move(link);
  return Error(ErrorClass::not_found, "there is no network device " + name);
}

Result<std::vector<SeenRoute>> list_routes(NetlinkSocket& socket, int family) {
  constexpr size_t kFixed = sizeof(rtmsg);
  rtmsg request{};
  request.rtm_family = static_cast<uint8_t>(family);
  std::vector<SeenRoute> all;
  auto take = [&](const NetlinkAnswer& answer) {
    const auto fixed = answer.fixed<rtmsg>();
    if (fixed.rtm_table != RT_TABLE_MAIN) return;
    SeenRoute route;
    route.to = {address_from(family, answer.attribute(kFixed, RTA_DST)), fixed.rtm_dst_len};
    route.index = answer.number<int>(kFixed, RTA_OIF);
    route.metric = answer.number<uint32_t>(kFixed, RTA_PRIORITY);
    route.ours = fixed.rtm_protocol == kOurProtocol;
    route.unreachable = fixed.rtm_type == RTN_UNREACHABLE;
    all.push_back(route);
  };
  TRY(socket.list(RTM_GETROUTE, request_bytes(request), "list of routes", take));
  return all;
}

}  // namespace appshot::links
