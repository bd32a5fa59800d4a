#include "resources/networks/objects.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "os/links.h"

namespace appshot::networks {
namespace {

template <typename Fixed>
using Settle = bool (*)(Fixed& fixed, const NetlinkAttributes& attributes);

template <typename Fixed>
Kind kind(const char* words, uint8_t family, std::array<uint16_t, 3> types,
          std::vector<uint16_t> attributes, Settle<Fixed> settle) {
  const auto [make, remove, list] = types;
  return {words,
          family,
          make,
          remove,
          list,
          sizeof(Fixed),
          std::move(attributes),
          [settle](std::vector<uint8_t>& bytes, const NetlinkAttributes& all) {
            Fixed fixed{};
            std::memcpy(&fixed, bytes.data(), std::min(sizeof fixed, bytes.size()));
            const bool kept = settle(fixed, all);
            std::memcpy(bytes.data(), &fixed, std::min(sizeof fixed, bytes.size()));
            return kept;
          }};
}

// Whether it has been found free already is not asked again (IFA_F_NODAD, when it is made).
constexpr uint8_t kPassingAddressFlags = IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_PERMANENT;

bool settle_address(ifaddrmsg& address, const NetlinkAttributes& /*attributes*/) {
  address.ifa_flags &= static_cast<uint8_t>(~kPassingAddressFlags);
  return true;
}

bool settle_neighbour(ndmsg& neighbour, const NetlinkAttributes& /*attributes*/) {
  return (neighbour.ndm_state & NUD_PERMANENT) != 0;
}

// Of a bridge: those that somebody has told it.
bool settle_bridge_entry(ndmsg& entry, const NetlinkAttributes& attributes) {
  if (attributes.find(NDA_MASTER).empty() || (entry.ndm_state & NUD_NOARP) == 0) return false;
  entry.ndm_flags = NTF_MASTER;
  return true;
}

constexpr unsigned kPassingRouteFlags = RTNH_F_DEAD | RTNH_F_LINKDOWN | RTNH_F_UNRESOLVED;

// Those that the kernel makes with addresses it makes again.
bool settle_route(rtmsg& route, const NetlinkAttributes& /*attributes*/) {
  const bool cached = (route.rtm_flags & RTM_F_CLONED) != 0;
  route.rtm_flags &= ~kPassingRouteFlags;
  return !cached && route.rtm_protocol != RTPROT_KERNEL && route.rtm_protocol != RTPROT_REDIRECT &&
         route.rtm_protocol != RTPROT_RA;
}

// Of a route with several next hops, each of which has flags.
std::vector<uint8_t> settled_hops(std::span<const uint8_t> hops) {
  std::vector<uint8_t> settled(hops.begin(), hops.end());
  for (size_t at = 0; at + sizeof(rtnexthop) <= settled.size();) {
    rtnexthop hop;
    std::memcpy(&hop, settled.data() + at, sizeof hop);
    if (hop.rtnh_len < sizeof hop) break;
    hop.rtnh_flags &= static_cast<uint8_t>(~kPassingRouteFlags);
    std::memcpy(settled.data() + at, &hop, sizeof hop);
    at += RTNH_ALIGN(hop.rtnh_len);
  }
  return settled;
}

bool settle_rule(fib_rule_hdr& rule, const NetlinkAttributes& /*attributes*/) {
  rule.flags &= FIB_RULE_INVERT;
  return true;
}

std::span<const uint8_t> bytes_of(const std::vector<uint8_t>& body) { return body; }

// Told by the kernel and not asked for, or counting down.
bool is_volatile(const Kind& kind, uint16_t attribute) {
  return kind.make == RTM_NEWADDR && attribute == IFA_CACHEINFO;
}

Object without_volatile(const Kind& kind, const Object& object) {
  NetlinkMessage message = NetlinkMessage::of_body(
      object.type, 0, bytes_of(object.body).first(std::min(kind.fixed_bytes, object.body.size())),
      "");
  attributes_of(kind, object).each([&](uint16_t type, std::span<const uint8_t> value) {
    if (!is_volatile(kind, type)) message.add(type, value);
    return false;
  });
  return {object.type, {message.body().begin(), message.body().end()}};
}

NetlinkMessage message_of(const Kind& kind, const Object& object, uint16_t type, uint16_t flags) {
  NetlinkMessage message = NetlinkMessage::of_body(
      type, flags | NLM_F_ACK, bytes_of(object.body).first(kind.fixed_bytes), kind.words);
  const bool is_v6_address = kind.make == RTM_NEWADDR && !object.body.empty() &&
                             object.body.front() == AF_INET6 && type == kind.make;
  attributes_of(kind, object).each([&](uint16_t attribute, std::span<const uint8_t> value) {
    if (is_v6_address && attribute == IFA_FLAGS && value.size() == sizeof(uint32_t)) {
      uint32_t all = 0;
      std::memcpy(&all, value.data(), sizeof all);
      message.number<uint32_t>(IFA_FLAGS, all | IFA_F_NODAD);
    } else {
      message.add(attribute, value);
    }
    return false;
  });
  return message;
}

// Several routes that differ in little stand side by side.
uint16_t making_flags(const Object& object) {
  const bool is_v4_route = object.type == RTM_NEWROUTE && object.body.front() == AF_INET;
  return NLM_F_CREATE | (is_v4_route ? NLM_F_APPEND : NLM_F_EXCL);
}

// A route by a gateway can be made when the gateway can be reached.
Result<> make_in_any_order(NetlinkSocket& socket, const Kind& kind, std::vector<Object> missing) {
  while (!missing.empty()) {
    std::vector<Object> failed;
    Result<> last;
    for (Object& object : missing) {
      Result<> made =
          socket.change(message_of(kind, object, kind.make, making_flags(object)), EEXIST);
      if (made) continue;
      last = made;
      failed.push_back(std::move(object));
    }
    if (failed.size() == missing.size()) return last;
    missing = std::move(failed);
  }
  return {};
}

}  // namespace

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      kind<ifaddrmsg>("address", AF_UNSPEC, {RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR},
                      {IFA_ADDRESS, IFA_LOCAL, IFA_LABEL, IFA_BROADCAST, IFA_CACHEINFO, IFA_FLAGS,
                       IFA_RT_PRIORITY, IFA_PROTO},
                      settle_address),
      kind<ndmsg>("neighbour", AF_UNSPEC, {RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH},
                  {NDA_DST, NDA_LLADDR, NDA_PROTOCOL}, settle_neighbour),
      kind<ndmsg>("entry of a bridge", AF_BRIDGE, {RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH},
                  {NDA_LLADDR, NDA_VLAN, NDA_MASTER}, settle_bridge_entry),
      kind<rtmsg>("route", AF_UNSPEC, {RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE},
                  {RTA_DST, RTA_SRC, RTA_IIF, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC,
                   RTA_METRICS, RTA_MULTIPATH, RTA_FLOW, RTA_TABLE, RTA_MARK, RTA_VIA, RTA_PREF,
                   RTA_ENCAP_TYPE, RTA_ENCAP},
                  settle_route),
      kind<fib_rule_hdr>(
          "rule", AF_UNSPEC, {RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE},
          {FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_GOTO, FRA_PRIORITY, FRA_FWMARK, FRA_FLOW,
           FRA_SUPPRESS_IFGROUP, FRA_SUPPRESS_PREFIXLEN, FRA_TABLE, FRA_FWMASK, FRA_OIFNAME,
           FRA_L3MDEV, FRA_UID_RANGE, FRA_PROTOCOL, FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE},
          settle_rule)};
  return all;
}

// Neighbours and entries of bridges have the same messages.
const Kind* kind_of(const Object& object) {
  const uint8_t family = object.body.empty() ? 0 : object.body.front();
  for (const Kind& kind : kinds())
    if (kind.make == object.type && object.body.size() >= kind.fixed_bytes &&
        (kind.family == AF_BRIDGE) == (family == AF_BRIDGE))
      return &kind;
  return nullptr;
}

NetlinkAttributes attributes_of(const Kind& kind, const Object& object) {
  const size_t behind = std::min<size_t>(object.body.size(), NLMSG_ALIGN(kind.fixed_bytes));
  return NetlinkAttributes(bytes_of(object.body).subspan(behind));
}

Result<std::vector<Object>> list(NetlinkSocket& socket, const Kind& kind) {
  std::vector<Object> all;
  std::vector<uint8_t> request(kind.fixed_bytes);
  request.front() = kind.family;
  TRY(socket.list(kind.list, request, kind.words, [&](const NetlinkAnswer& answer) {
    if (answer.body().size() < kind.fixed_bytes) return;
    const Object told{kind.make, {answer.body().begin(), answer.body().end()}};
    const NetlinkAttributes attributes = attributes_of(kind, told);
    std::vector<uint8_t> fixed(kind.fixed_bytes);
    std::copy_n(told.body.begin(), kind.fixed_bytes, fixed.begin());
    if (!kind.settle(fixed, attributes)) return;
    NetlinkMessage kept = NetlinkMessage::of_body(kind.make, 0, fixed, kind.words);
    for (uint16_t attribute : kind.attributes) {
      const std::span<const uint8_t> value = attributes.find(attribute);
      if (value.data() == nullptr) continue;
      if (kind.make == RTM_NEWADDR && attribute == IFA_FLAGS) {
        const auto flags = attributes.number<uint32_t>(IFA_FLAGS);
        kept.number<uint32_t>(IFA_FLAGS,
                              flags & ~uint32_t{kPassingAddressFlags} & ~uint32_t{IFA_F_NODAD});
      } else if (kind.make == RTM_NEWADDR && attribute == IFA_CACHEINFO) {
        auto life = attributes.number<ifa_cacheinfo>(IFA_CACHEINFO);
        life.cstamp = life.tstamp = 0;  // since when
        kept.number(IFA_CACHEINFO, life);
      } else if (kind.make == RTM_NEWROUTE && attribute == RTA_MULTIPATH) {
        kept.add(attribute, settled_hops(value));
      } else {
        kept.add(attribute, value);
      }
    }
    all.push_back({kind.make, {kept.body().begin(), kept.body().end()}});
  }));
  return all;
}

bool is_ours(const Kind& kind, const Object& object) {
  if (kind.make == RTM_NEWADDR)
    return attributes_of(kind, object).number<uint8_t>(IFA_PROTO) == links::kOurProtocol;
  return kind.make == RTM_NEWROUTE && fixed_part<rtmsg>(object).rtm_protocol == links::kOurProtocol;
}

Result<> make_same(NetlinkSocket& socket, const Kind& kind, const std::vector<Object>& wanted) {
  std::vector<Object> missing = wanted;
  for (const Object& there : TRY(list(socket, kind))) {
    if (is_ours(kind, there)) continue;
    auto same = std::ranges::find_if(missing, [&](const Object& object) {
      return without_volatile(kind, object) == without_volatile(kind, there);
    });
    if (same != missing.end())
      missing.erase(same);
    else
      TRY(socket.change(message_of(kind, there, kind.remove, 0), ESRCH));
  }
  return make_in_any_order(socket, kind, std::move(missing));
}

}  // namespace appshot::networks
