#include "os/tcp_segments.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>
#include <vector>

#include "os/packet_bytes.h"

namespace appshot {
namespace {

constexpr uint8_t kHops = 64;
constexpr size_t kTimesBytes = 12;  // with what makes them end at a word

PacketBytes tcp_part(const TcpSegment& segment) {
  tcphdr header{};
  header.source = htons(segment.from.port);
  header.dest = htons(segment.to.port);
  header.seq = htonl(segment.number);
  header.ack_seq = htonl(segment.acknowledged);
  header.doff = (sizeof header + (segment.times ? kTimesBytes : 0)) / 4;
  header.th_flags = segment.flags;
  header.window = htons(segment.window);
  header.urg_ptr = htons(segment.urgent);
  PacketBytes part;
  append(part, bytes_of(header));
  if (segment.times) {
    part.insert(part.end(), {TCPOPT_NOP, TCPOPT_NOP, TCPOPT_TIMESTAMP, TCPOLEN_TIMESTAMP});
    append(part, bytes_of(htonl(segment.times->own)));
    append(part, bytes_of(htonl(segment.times->echoed)));
  }
  append(part, segment.bytes);

  PacketBytes summed;
  append(summed, segment.from.address.bytes());
  append(summed, segment.to.address.bytes());
  append(summed, bytes_of(htonl(static_cast<uint32_t>(part.size()))));
  append(summed, bytes_of(htonl(uint32_t{IPPROTO_TCP})));
  append(summed, part);
  const uint16_t sum = checksum_of(summed);
  std::memcpy(part.data() + offsetof(tcphdr, th_sum), &sum, sizeof sum);
  return part;
}

// The kernel fills in the length and the sum of an IPv4 header, and nothing of the other.
PacketBytes packet_of(const TcpSegment& segment) {
  const PacketBytes part = tcp_part(segment);
  PacketBytes packet;
  if (segment.to.address.is_v4()) {
    iphdr header{};
    header.version = 4;
    header.ihl = sizeof header / 4;
    header.ttl = kHops;
    header.protocol = IPPROTO_TCP;
    header.saddr = htonl(segment.from.address.number());
    header.daddr = htonl(segment.to.address.number());
    append(packet, bytes_of(header));
  } else {
    ip6_hdr header{};
    header.ip6_flow = htonl(6U << 28);
    header.ip6_plen = htons(static_cast<uint16_t>(part.size()));
    header.ip6_nxt = IPPROTO_TCP;
    header.ip6_hlim = kHops;
    std::memcpy(&header.ip6_src, segment.from.address.bytes().data(), sizeof header.ip6_src);
    std::memcpy(&header.ip6_dst, segment.to.address.bytes().data(), sizeof header.ip6_dst);
    append(packet, bytes_of(header));
  }
  append(packet, part);
  return packet;
}

}  // namespace

Result<TcpSegments> TcpSegments::open(int family) {
  UniqueFd socket(TRY_SYS(::socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW)));
  return TcpSegments(std::move(socket));
}

Result<> TcpSegments::send(const TcpSegment& segment, uint32_t mark) {
  if (mark != mark_) TRY_SYS(::setsockopt(socket_.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark));
  mark_ = mark;
  const PacketBytes packet = packet_of(segment);
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  const IpAddress& to = segment.to.address;
  if (to.is_v4())
    v4.sin_addr.s_addr = htonl(to.number());
  else
    std::memcpy(&v6.sin6_addr, to.bytes().data(), sizeof v6.sin6_addr);
  const auto* at =
      to.is_v4() ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  const socklen_t length = to.is_v4() ? sizeof v4 : sizeof v6;
  TRY_SYS(::sendto(socket_.get(), packet.data(), packet.size(), 0, at, length));
  return {};
}

}  // namespace appshot
