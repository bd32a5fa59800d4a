#include "resources/translation.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <algorithm>
#include <cstring>

#include "os/netlink.h"

namespace appshot {
namespace {

// One end of a tuple.
std::optional<InetName> name_in(const NetlinkAttributes& tuple, bool source) {
  const NetlinkAttributes ip = tuple.nested(CTA_TUPLE_IP), ports = tuple.nested(CTA_TUPLE_PROTO);
  const auto v4 = ip.find(source ? CTA_IP_V4_SRC : CTA_IP_V4_DST);
  const auto v6 = ip.find(source ? CTA_IP_V6_SRC : CTA_IP_V6_DST);
  const auto port = ntohs(ports.number<uint16_t>(source ? CTA_PROTO_SRC_PORT : CTA_PROTO_DST_PORT));
  if (v4.size() == sizeof(in_addr))
    return name_at(
        AF_INET, IpAddress::v4(ntohl(ip.number<uint32_t>(source ? CTA_IP_V4_SRC : CTA_IP_V4_DST))),
        port);
  if (v6.size() != sizeof(in6_addr)) return std::nullopt;
  in6_addr address;
  std::memcpy(&address, v6.data(), sizeof address);
  return name_at(AF_INET6, IpAddress::v6(address), port);
}

}  // namespace

std::optional<Translation> translation_of_tcp(std::span<const uint8_t> track) {
  const NetlinkAttributes all(track.subspan(std::min(track.size(), sizeof(nfgenmsg))));
  const NetlinkAttributes asked = all.nested(CTA_TUPLE_ORIG),
                          answered = all.nested(CTA_TUPLE_REPLY);
  if ((ntohl(all.number<uint32_t>(CTA_STATUS)) & (IPS_SRC_NAT | IPS_DST_NAT)) == 0 ||
      asked.nested(CTA_TUPLE_PROTO).number<uint8_t>(CTA_PROTO_NUM) != IPPROTO_TCP)
    return std::nullopt;
  const auto caller = name_in(asked, true), called = name_in(asked, false),
             callee = name_in(answered, true), calling = name_in(answered, false);
  if (!caller || !called || !callee || !calling) return std::nullopt;
  return Translation{*caller, *called, *callee, *calling};
}

}  // namespace appshot
