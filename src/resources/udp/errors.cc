#include "resources/udp/errors.h"

#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <cstring>

#include "base/deadline.h"
#include "os/packet_bytes.h"
#include "os/whole_packets.h"
#include "resources/inet.h"
#include "resources/socket_errors.h"

namespace appshot::udp {
namespace {

constexpr std::chrono::seconds kArrivalMax{5};
constexpr uint8_t kHops = 64;

using Bytes = PacketBytes;

// That nobody is at the port of the peer, as the peer's machine says it.
class Refusal {
 public:
  Refusal(const InetName& own, const InetName& peer, int protocol)
      : own_(ip_address_of(own)), peer_(ip_address_of(peer)), protocol_(protocol) {
    udp_.source = htons(port_of(own));
    udp_.dest = htons(port_of(peer));
    udp_.len = htons(sizeof udp_);
  }

  Bytes packet() const { return own_.is_v4() ? ipv4() : ipv6(); }

 private:
  Bytes ipv4() const {
    icmphdr icmp{};
    icmp.type = ICMP_UNREACH;
    icmp.code = ICMP_UNREACH_PORT;
    Bytes message(bytes_of(icmp).begin(), bytes_of(icmp).end());
    append(message, bytes_of(ipv4_header(own_, peer_, protocol_, sizeof udp_)));
    append(message, bytes_of(udp_));
    const uint16_t sum = checksum_of(message);
    std::memcpy(message.data() + offsetof(icmphdr, checksum), &sum, sizeof sum);
    const iphdr header = ipv4_header(peer_, own_, IPPROTO_ICMP, message.size());
    Bytes packet(bytes_of(header).begin(), bytes_of(header).end());
    append(packet, message);
    return packet;
  }

  Bytes ipv6() const {
    icmp6_hdr icmp{};
    icmp.icmp6_type = ICMP6_DST_UNREACH;
    icmp.icmp6_code = ICMP6_DST_UNREACH_NOPORT;
    Bytes message(bytes_of(icmp).begin(), bytes_of(icmp).end());
    append(message, bytes_of(ipv6_header(own_, peer_, protocol_, sizeof udp_)));
    append(message, bytes_of(udp_));
    Bytes summed;
    append(summed, peer_.bytes());
    append(summed, own_.bytes());
    append(summed, bytes_of(htonl(static_cast<uint32_t>(message.size()))));
    append(summed, bytes_of(htonl(uint32_t{IPPROTO_ICMPV6})));
    append(summed, message);
    const uint16_t sum = checksum_of(summed);
    std::memcpy(message.data() + offsetof(icmp6_hdr, icmp6_cksum), &sum, sizeof sum);
    const ip6_hdr header = ipv6_header(peer_, own_, IPPROTO_ICMPV6, message.size());
    Bytes packet(bytes_of(header).begin(), bytes_of(header).end());
    append(packet, message);
    return packet;
  }

  static iphdr ipv4_header(const IpAddress& from, const IpAddress& to, int protocol, size_t bytes) {
    iphdr header{};
    header.version = 4;
    header.ihl = sizeof header / 4;
    header.ttl = kHops;
    header.protocol = static_cast<uint8_t>(protocol);
    header.tot_len = htons(static_cast<uint16_t>(sizeof header + bytes));
    header.saddr = htonl(from.number());
    header.daddr = htonl(to.number());
    return header;
  }
  static ip6_hdr ipv6_header(const IpAddress& from, const IpAddress& to, int protocol,
                             size_t bytes) {
    ip6_hdr header{};
    header.ip6_flow = htonl(6U << 28);
    header.ip6_plen = htons(static_cast<uint16_t>(bytes));
    header.ip6_nxt = static_cast<uint8_t>(protocol);
    header.ip6_hlim = kHops;
    std::memcpy(&header.ip6_src, from.bytes().data(), sizeof header.ip6_src);
    std::memcpy(&header.ip6_dst, to.bytes().data(), sizeof header.ip6_dst);
    return header;
  }

  IpAddress own_, peer_;
  int protocol_;
  udphdr udp_{};
};

Result<> wait_for_error(int socket) {
  const Deadline deadline = Deadline::in(kArrivalMax);
  while (!has_event(socket, POLLERR)) {
    if (deadline.passed())
      return Error(ErrorClass::timeout, "a UDP socket does not get the error that waited at it");
    ::poll(nullptr, 0, 1);
  }
  return {};
}

Error refusal_of(const std::string& what) {
  return Error(ErrorClass::refused, "a UDP socket with " + what +
                                        " of which the program has not heard, which cannot be kept")
      .hint("let it look at the socket first");
}

}  // namespace

Result<> capture_errors(CaptureContext& context, int socket, image::UdpSocketT& into) {
  WaitingErrors errors = TRY(errors_of(context, socket));
  for (WaitingErrors::Told& told : errors.queue) {
    const bool is_packet = (told.origin == SO_EE_ORIGIN_ICMP || told.origin == SO_EE_ORIGIN_ICMP6);
    if (!is_packet || told.packet.empty())
      return refusal_of("news of its own sending (origin " + std::to_string(told.origin) + ")");
    into.errors.push_back(std::make_unique<image::ErrorPacketT>());
    into.errors.back()->data = std::move(told.packet);
  }
  into.error = errors.next;
  const bool is_told_plainly = into.error == ECONNREFUSED && !into.peer_name.empty();
  if (into.error != 0 && into.errors.empty() && !is_told_plainly)
    return refusal_of("an error (" + std::string(strerrorname_np(into.error)) + ")");
  return {};
}

Result<> put_back_errors(int socket, const image::UdpSocketT& from) {
  for (const auto& error : from.errors) TRY(send_whole_packet(error->data));
  if (from.errors.empty() && from.error != 0)
    TRY(send_whole_packet(Refusal(TRY(name_of(socket)), from.peer_name, from.protocol).packet()));
  if (from.errors.empty() && from.error == 0) return {};
  TRY(wait_for_error(socket));
  int told = 0;
  socklen_t length = sizeof told;
  if (from.error == 0) TRY_SYS(::getsockopt(socket, SOL_SOCKET, SO_ERROR, &told, &length));
  return {};
}

}  // namespace appshot::udp
