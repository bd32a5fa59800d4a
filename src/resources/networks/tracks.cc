#include "resources/networks/tracks.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

namespace appshot::networks {
namespace {

constexpr uint16_t kTrack = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
constexpr uint16_t kList = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
constexpr uint16_t kKept[] = {CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_STATUS, CTA_TIMEOUT,
                              CTA_MARK,       CTA_ZONE,        CTA_LABELS};
constexpr char kWords[] = "connection that packet filters follow";
constexpr size_t kAtOnce = 128;

NetlinkAttributes attributes_of(const Object& object) {
  const std::span<const uint8_t> all = object.body;
  return NetlinkAttributes(all.subspan(std::min(all.size(), sizeof(nfgenmsg))));
}

uint32_t big(std::span<const uint8_t> bytes) {
  uint32_t value = 0;
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return ntohl(value);
}

// Flags are taken over where a mask says so.
void add_tcp(NetlinkMessage& message, const NetlinkAttributes& tcp) {
  constexpr uint8_t kAll = 0xff;
  message.nest(CTA_PROTOINFO, [&](NetlinkMessage& info) {
    info.nest(CTA_PROTOINFO_TCP, [&](NetlinkMessage& nest) {
      for (uint16_t type : {CTA_PROTOINFO_TCP_STATE, CTA_PROTOINFO_TCP_WSCALE_ORIGINAL,
                            CTA_PROTOINFO_TCP_WSCALE_REPLY})
        if (const auto value = tcp.find(type); !value.empty()) nest.add(type, value);
      for (uint16_t type : {CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, CTA_PROTOINFO_TCP_FLAGS_REPLY})
        if (const auto value = tcp.find(type); !value.empty()) {
          const nf_ct_tcp_flags flags{value.front(), kAll};
          nest.number(type, flags);
        }
    });
  });
}

// Where packets in this direction really go, or come from, is what answers tell.
void add_translation(NetlinkMessage& message, uint16_t type, const NetlinkAttributes& reply,
                     bool of_source) {
  const NetlinkAttributes address = reply.nested(CTA_TUPLE_IP),
                          ports = reply.nested(CTA_TUPLE_PROTO);
  const auto v4 = address.find(of_source ? CTA_IP_V4_DST : CTA_IP_V4_SRC);
  const auto v6 = address.find(of_source ? CTA_IP_V6_DST : CTA_IP_V6_SRC);
  const auto port = ports.find(of_source ? CTA_PROTO_DST_PORT : CTA_PROTO_SRC_PORT);
  message.nest(type, [&](NetlinkMessage& nat) {
    for (uint16_t edge : {CTA_NAT_V4_MINIP, CTA_NAT_V4_MAXIP})
      if (!v4.empty()) nat.add(edge, v4);
    for (uint16_t edge : {CTA_NAT_V6_MINIP, CTA_NAT_V6_MAXIP})
      if (!v6.empty()) nat.add(edge, v6);
    if (port.empty()) return;
    nat.nest(CTA_NAT_PROTO, [&](NetlinkMessage& range) {
      range.add(CTA_PROTONAT_PORT_MIN, port).add(CTA_PROTONAT_PORT_MAX, port);
    });
  });
}

// An answer to an echo is of another type than the echo.
constexpr std::pair<uint8_t, uint8_t> kEchoes[] = {{8, 0}, {0, 8}};
constexpr std::pair<uint8_t, uint8_t> kEchoesV6[] = {{128, 129}, {129, 128}};

std::vector<uint8_t> answered(std::span<const uint8_t> type, bool v6) {
  for (const auto& [one, other] : v6 ? kEchoesV6 : kEchoes)
    if (type.front() == one) return {other};
  return {type.begin(), type.end()};
}

// The answer that would come if nothing were translated: the kernel translates it itself.
void add_untranslated_answer(NetlinkMessage& message, const NetlinkAttributes& asked) {
  constexpr std::pair<uint16_t, uint16_t> kTurned[] = {{CTA_IP_V4_SRC, CTA_IP_V4_DST},
                                                       {CTA_IP_V6_SRC, CTA_IP_V6_DST}};
  constexpr uint16_t kSame[] = {CTA_PROTO_NUM, CTA_PROTO_ICMP_ID, CTA_PROTO_ICMP_CODE,
                                CTA_PROTO_ICMPV6_ID, CTA_PROTO_ICMPV6_CODE};
  const NetlinkAttributes ip = asked.nested(CTA_TUPLE_IP), proto = asked.nested(CTA_TUPLE_PROTO);
  auto copy = [](NetlinkMessage& to, uint16_t as, std::span<const uint8_t> value) {
    if (!value.empty()) to.add(as, value);
  };
  message.nest(CTA_TUPLE_REPLY, [&](NetlinkMessage& tuple) {
    tuple.nest(CTA_TUPLE_IP, [&](NetlinkMessage& nest) {
      for (const auto& [source, destination] : kTurned)
        copy(nest, source, ip.find(destination)), copy(nest, destination, ip.find(source));
    });
    tuple.nest(CTA_TUPLE_PROTO, [&](NetlinkMessage& nest) {
      for (uint16_t type : kSame) copy(nest, type, proto.find(type));
      copy(nest, CTA_PROTO_SRC_PORT, proto.find(CTA_PROTO_DST_PORT));
      copy(nest, CTA_PROTO_DST_PORT, proto.find(CTA_PROTO_SRC_PORT));
      for (const auto& [type, v6] :
           {std::pair(CTA_PROTO_ICMP_TYPE, false), std::pair(CTA_PROTO_ICMPV6_TYPE, true)})
        if (const auto told = proto.find(type); !told.empty()) nest.add(type, answered(told, v6));
    });
  });
}

NetlinkMessage message_of(const Object& track) {
  const NetlinkAttributes kept = attributes_of(track);
  const uint32_t status = big(kept.find(CTA_STATUS));
  const bool is_translated = (status & (IPS_SRC_NAT | IPS_DST_NAT)) != 0;
  NetlinkMessage message(kTrack, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, fixed_part<nfgenmsg>(track),
                         kWords);
  kept.each([&](uint16_t type, std::span<const uint8_t> value) {
    const bool nests = type == CTA_TUPLE_ORIG || type == CTA_TUPLE_REPLY;
    if (type != CTA_PROTOINFO && !(type == CTA_TUPLE_REPLY && is_translated))
      message.add(static_cast<uint16_t>(nests ? type | NLA_F_NESTED : type), value);
    return false;
  });
  const NetlinkAttributes tcp = kept.nested(CTA_PROTOINFO).nested(CTA_PROTOINFO_TCP);
  if (!tcp.find(CTA_PROTOINFO_TCP_STATE).empty()) add_tcp(message, tcp);
  if (is_translated) add_untranslated_answer(message, kept.nested(CTA_TUPLE_ORIG));
  const NetlinkAttributes reply = kept.nested(CTA_TUPLE_REPLY);
  if ((status & IPS_SRC_NAT) != 0) add_translation(message, CTA_NAT_SRC, reply, true);
  if ((status & IPS_DST_NAT) != 0) add_translation(message, CTA_NAT_DST, reply, false);
  return message;
}

}  // namespace

Result<std::vector<Object>> list_tracks(NetlinkSocket& socket) {
  nfgenmsg request{};
  request.version = NFNETLINK_V0;
  std::vector<Object> all;
  Result<> listed =
      socket.list(kList, {reinterpret_cast<const uint8_t*>(&request), sizeof request}, kWords,
                  [&](const NetlinkAnswer& answer) {
                    nfgenmsg fixed = answer.fixed<nfgenmsg>();
                    fixed.res_id = 0;
                    NetlinkMessage kept(kTrack, 0, fixed, kWords);
                    for (uint16_t type : kKept)
                      if (auto value = answer.attribute(sizeof fixed, type); !value.empty())
                        kept.add(type, value);
                    if (auto info = answer.attribute(sizeof fixed, CTA_PROTOINFO); !info.empty())
                      kept.add(CTA_PROTOINFO, info);
                    all.push_back({kTrack, {kept.body().begin(), kept.body().end()}});
                  });
  // A kernel that follows no connections has no list of them.
  if (!listed && listed.error().err() != EINVAL && listed.error().err() != EOPNOTSUPP)
    return listed.take_error();
  return all;
}

Result<> make_tracks(NetlinkSocket& socket, const std::vector<Object>& tracks) {
  std::vector<NetlinkMessage> messages;
  for (size_t i = 0; i < tracks.size(); ++i) {
    messages.push_back(message_of(tracks[i]));
    if (messages.size() < kAtOnce && i + 1 < tracks.size()) continue;
    TRY(socket.change(messages, EEXIST));
    messages.clear();
  }
  return {};
}

}  // namespace appshot::networks
