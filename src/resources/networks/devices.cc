#include "resources/networks/devices.h"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/veth.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

namespace appshot::networks {
namespace {

constexpr uint32_t kSettableFlags = IFF_UP | IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI | IFF_MULTICAST;

constexpr uint16_t kIdentity[] = {IFLA_IFNAME, IFLA_ADDRESS, IFLA_MTU, IFLA_TXQLEN};
constexpr uint16_t kOfDevice[] = {IFLA_LINK,  IFLA_LINK_NETNSID, IFLA_MASTER,
                                  IFLA_GROUP, IFLA_IFALIAS,      IFLA_PROP_LIST};

// What of a kind of devices can be set; the kernel tells more.
struct KindOfDevice {
  const char* name;
  std::vector<uint16_t> data;
};
const std::vector<KindOfDevice>& kinds_of_devices() {
  static const std::vector<KindOfDevice> all{
      {"veth", {}},
      {"dummy", {}},
      {"ifb", {}},
      {"vlan", {IFLA_VLAN_ID, IFLA_VLAN_FLAGS, IFLA_VLAN_PROTOCOL}},
      {"macvlan", {IFLA_MACVLAN_MODE, IFLA_MACVLAN_FLAGS}},
      {"bridge",
       {IFLA_BR_FORWARD_DELAY, IFLA_BR_HELLO_TIME, IFLA_BR_MAX_AGE, IFLA_BR_AGEING_TIME,
        IFLA_BR_STP_STATE, IFLA_BR_PRIORITY, IFLA_BR_GROUP_FWD_MASK, IFLA_BR_MCAST_SNOOPING,
        IFLA_BR_MCAST_QUERIER, IFLA_BR_MCAST_ROUTER, IFLA_BR_NF_CALL_IPTABLES,
        IFLA_BR_NF_CALL_IP6TABLES, IFLA_BR_NF_CALL_ARPTABLES, IFLA_BR_MCAST_HASH_MAX,
        IFLA_BR_MCAST_IGMP_VERSION, IFLA_BR_MCAST_MLD_VERSION, IFLA_BR_VLAN_DEFAULT_PVID}}};
  return all;
}

constexpr uint16_t kOfBridgePort[] = {
    IFLA_BRPORT_PRIORITY,       IFLA_BRPORT_COST,          IFLA_BRPORT_MODE,
    IFLA_BRPORT_GUARD,          IFLA_BRPORT_PROTECT,       IFLA_BRPORT_FAST_LEAVE,
    IFLA_BRPORT_LEARNING,       IFLA_BRPORT_UNICAST_FLOOD, IFLA_BRPORT_PROXYARP,
    IFLA_BRPORT_PROXYARP_WIFI,  IFLA_BRPORT_MCAST_FLOOD,   IFLA_BRPORT_MULTICAST_ROUTER,
    IFLA_BRPORT_MCAST_TO_UCAST, IFLA_BRPORT_BCAST_FLOOD,   IFLA_BRPORT_GROUP_FWD_MASK,
    IFLA_BRPORT_NEIGH_SUPPRESS, IFLA_BRPORT_ISOLATED};

const KindOfDevice* find_kind(const std::string& name) {
  auto found = std::ranges::find(kinds_of_devices(), name, &KindOfDevice::name);
  return found == kinds_of_devices().end() ? nullptr : &*found;
}

void copy(const NetlinkAttributes& from, std::span<const uint16_t> types, NetlinkMessage& to) {
  for (uint16_t type : types)
    if (const std::span<const uint8_t> value = from.find(type); value.data() != nullptr)
      to.add(type, value);
}

constexpr uint16_t kChange = NLM_F_ACK;
constexpr uint16_t kMake = NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;

ifinfomsg of_index(int index) {
  ifinfomsg link{};
  link.ifi_index = index;
  return link;
}

}  // namespace

ifinfomsg Device::fixed() const {
  ifinfomsg fixed{};
  std::memcpy(&fixed, body_.data(), std::min(body_.size(), sizeof fixed));
  return fixed;
}

NetlinkAttributes Device::attributes() const {
  const std::span<const uint8_t> all = body_;
  return NetlinkAttributes(all.subspan(std::min(all.size(), sizeof(ifinfomsg))));
}

int Device::namespace_of_lower() const {
  if (attributes().find(IFLA_LINK_NETNSID).empty()) return -1;
  return attributes().number<int>(IFLA_LINK_NETNSID);
}

std::string Device::obstacle() const {
  if (index() == kLoopback) return "";
  const std::string own = kind();
  if (own.empty()) return "a device of the machine, " + name();
  if (find_kind(own) == nullptr) return "a network device of the kind " + own + ", " + name();
  const NetlinkAttributes data = attributes().nested(IFLA_LINKINFO).nested(IFLA_INFO_DATA);
  if (own == "bridge" && data.number<uint8_t>(IFLA_BR_VLAN_FILTERING) != 0)
    return "a bridge that tells VLANs apart, " + name();
  if (!is_cable() && namespace_of_lower() >= 0)
    return "a network device that lies on one of another namespace, " + name();
  if (attributes().nested(IFLA_XDP).number<uint8_t>(IFLA_XDP_ATTACHED) != 0)
    return "a network device with a BPF program, " + name();
  return "";
}

Device Device::settable() const {
  ifinfomsg kept = of_index(index());
  kept.ifi_flags = flags() & kSettableFlags;
  NetlinkMessage message(RTM_NEWLINK, 0, kept, "");
  const NetlinkAttributes all = attributes(), info = all.nested(IFLA_LINKINFO);
  copy(all, kIdentity, message);
  copy(all, kOfDevice, message);
  const std::string own = kind();
  if (const KindOfDevice* known = find_kind(own))
    message.nest(IFLA_LINKINFO, [&](NetlinkMessage& nest) {
      nest.add(IFLA_INFO_KIND, std::string_view(own));
      nest.nest(IFLA_INFO_DATA, [&](NetlinkMessage& data) {
        copy(info.nested(IFLA_INFO_DATA), known->data, data);
      });
      if (info.text(IFLA_INFO_SLAVE_KIND) != "bridge") return;
      nest.add(IFLA_INFO_SLAVE_KIND, std::string_view("bridge"));
      nest.nest(IFLA_INFO_SLAVE_DATA, [&](NetlinkMessage& data) {
        copy(info.nested(IFLA_INFO_SLAVE_DATA), kOfBridgePort, data);
      });
    });
  return Device({message.body().begin(), message.body().end()});
}

void Device::add_identity(NetlinkMessage& message) const { copy(attributes(), kIdentity, message); }

NetlinkMessage Device::make() const {
  NetlinkMessage message(RTM_NEWLINK, kMake, of_index(index()), "network device " + name());
  add_identity(message);
  if (lower() != 0) message.number<int>(IFLA_LINK, lower());
  const NetlinkAttributes info = attributes().nested(IFLA_LINKINFO);
  message.nest(IFLA_LINKINFO, [&](NetlinkMessage& nest) {
    nest.add(IFLA_INFO_KIND, std::string_view(kind()));
    nest.add(static_cast<uint16_t>(IFLA_INFO_DATA | NLA_F_NESTED), info.find(IFLA_INFO_DATA));
  });
  return message;
}

NetlinkMessage Device::make_with(const Device& other, int there) const {
  NetlinkMessage message(RTM_NEWLINK, kMake, of_index(index()), "virtual cable " + name());
  add_identity(message);
  message.nest(IFLA_LINKINFO, [&](NetlinkMessage& info) {
    info.add(IFLA_INFO_KIND, std::string_view("veth"));
    info.nest(IFLA_INFO_DATA, [&](NetlinkMessage& data) {
      data.nest(VETH_INFO_PEER, [&](NetlinkMessage& peer) {
        const ifinfomsg fixed = of_index(other.index());
        peer.raw({reinterpret_cast<const uint8_t*>(&fixed), sizeof fixed});
        other.add_identity(peer);
        peer.number<int>(IFLA_NET_NS_FD, there);
      });
    });
  });
  return message;
}

std::vector<NetlinkMessage> Device::settings() const {
  std::vector<NetlinkMessage> all;
  ifinfomsg flagged = fixed();
  flagged.ifi_flags &= ~static_cast<unsigned>(IFF_UP);
  flagged.ifi_change = kSettableFlags & ~static_cast<unsigned>(IFF_UP);
  NetlinkMessage own(RTM_NEWLINK, kChange, flagged, "settings of network device " + name());
  constexpr uint16_t kLater[] = {IFLA_GROUP, IFLA_IFALIAS};
  copy(attributes(), kLater, own);
  if (index() == kLoopback) add_identity(own);
  all.push_back(own);
  const NetlinkAttributes names = attributes().nested(IFLA_PROP_LIST);
  if (!names.find(IFLA_ALT_IFNAME).empty())
    all.push_back(NetlinkMessage(RTM_NEWLINKPROP, kMake | NLM_F_APPEND, of_index(index()),
                                 "names of network device " + name())
                      .add(static_cast<uint16_t>(IFLA_PROP_LIST | NLA_F_NESTED),
                           attributes().find(IFLA_PROP_LIST)));
  if (master() == 0) return all;
  const std::string what = "network device " + name() + " as a part of another";
  all.push_back(NetlinkMessage(RTM_NEWLINK, kChange, of_index(index()), what)
                    .number<int>(IFLA_MASTER, master()));
  const NetlinkAttributes info = attributes().nested(IFLA_LINKINFO);
  if (!info.text(IFLA_INFO_SLAVE_KIND).empty())
    all.push_back(NetlinkMessage(RTM_NEWLINK, kChange, of_index(index()), what)
                      .nest(IFLA_LINKINFO, [&](NetlinkMessage& nest) {
                        nest.add(IFLA_INFO_SLAVE_KIND,
                                 std::string_view(info.text(IFLA_INFO_SLAVE_KIND)));
                        nest.add(static_cast<uint16_t>(IFLA_INFO_SLAVE_DATA | NLA_F_NESTED),
                                 info.find(IFLA_INFO_SLAVE_DATA));
                      }));
  return all;
}

NetlinkMessage Device::bring_up() const {
  ifinfomsg up = of_index(index());
  up.ifi_flags = flags() & IFF_UP;
  up.ifi_change = IFF_UP;
  return NetlinkMessage(RTM_NEWLINK, kChange, up, "network device " + name());
}

Result<std::vector<Device>> list_devices(NetlinkSocket& socket) {
  std::vector<uint8_t> request(sizeof(ifinfomsg));
  std::vector<Device> all;
  TRY(socket.list(
      RTM_GETLINK, request, "list of network devices", [&](const NetlinkAnswer& answer) {
        all.emplace_back(std::vector<uint8_t>{answer.body().begin(), answer.body().end()});
      }));
  std::ranges::sort(all, {}, &Device::index);
  return all;
}

Result<> set_loopback(NetlinkSocket& socket, bool up) {
  ifinfomsg loopback = of_index(kLoopback);
  loopback.ifi_flags = up ? IFF_UP : 0;
  loopback.ifi_change = IFF_UP;
  return socket.change(NetlinkMessage(RTM_NEWLINK, kChange, loopback, "loopback"));
}

Result<int> name_of_namespace(NetlinkSocket& socket, int other) {
  NetlinkMessage question(RTM_GETNSID, 0, rtgenmsg{}, "name of a network namespace");
  question.number<int>(NETNSA_FD, other);
  int name = NETNSA_NSID_NOT_ASSIGNED;
  TRY(socket.ask(question, [&](const NetlinkAnswer& answer) {
    name = static_cast<int>(answer.number<int32_t>(NLMSG_ALIGN(sizeof(rtgenmsg)), NETNSA_NSID));
  }));
  return name;
}

}  // namespace appshot::networks
