#include "resources/udp/datagrams.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cstring>
#include <memory>

#include "resources/empty_messages.h"
#include "resources/inet.h"

namespace appshot::udp {
namespace {

constexpr size_t kDatagramMax = 64 * 1024;
constexpr uint8_t kHopsUnknown = 64;

// Settings of a socket that are changed while we look, put back when this goes.
class Changed {
 public:
  explicit Changed(int socket) : socket_(socket) {}
  Changed(const Changed&) = delete;
  Changed& operator=(const Changed&) = delete;
  ~Changed() {
    for (const Before& one : before_)
      ::setsockopt(socket_, one.name.level, one.name.name, &one.value, sizeof one.value);
  }
  Result<> set(OptionName name, int value) {
    Before before{name, 0};
    socklen_t length = sizeof before.value;
    TRY_SYS(::getsockopt(socket_, name.level, name.name, &before.value, &length));
    if (before.value == value) return {};
    TRY_SYS(::setsockopt(socket_, name.level, name.name, &value, sizeof value));
    before_.push_back(before);
    return {};
  }

 private:
  struct Before {
    OptionName name;
    int value;
  };
  int socket_;
  std::vector<Before> before_;
};

template <typename T>
InetName as_name(const T& address) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&address);
  return {bytes, bytes + sizeof address};
}

// Where it came to, and what it had left of its time to live.
void read_control(msghdr& header, image::DatagramT& datagram) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    const auto is = [&](int level, int type) {
      return part->cmsg_level == level && part->cmsg_type == type;
    };
    int number = 0;
    std::memcpy(&number, CMSG_DATA(part), std::min(sizeof number, part->cmsg_len - CMSG_LEN(0)));
    if (is(IPPROTO_IP, IP_TTL) || is(IPPROTO_IPV6, IPV6_HOPLIMIT))
      datagram.hops = static_cast<uint8_t>(number);
    if (is(IPPROTO_IP, IP_TOS) || is(IPPROTO_IPV6, IPV6_TCLASS))
      datagram.service = static_cast<uint8_t>(number);
    if (is(IPPROTO_IP, IP_PKTINFO) && datagram.to.empty()) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(part), sizeof info);
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_addr = info.ipi_addr;
      datagram.to = as_name(to);
    }
    if (is(IPPROTO_IPV6, IPV6_PKTINFO)) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(part), sizeof info);
      sockaddr_in6 to{};
      to.sin6_family = AF_INET6;
      to.sin6_addr = info.ipi6_addr;
      datagram.to = as_name(to);
    }
  }
}

// nullptr: there are no more.
Result<std::unique_ptr<image::DatagramT>> peek(int socket) {
  auto datagram = std::make_unique<image::DatagramT>();
  datagram->data.resize(kDatagramMax);
  sockaddr_storage from{};
  iovec part{datagram->data.data(), datagram->data.size()};
  alignas(cmsghdr) std::array<char, 1024> control;
  msghdr header{};
  header.msg_name = &from;
  header.msg_namelen = sizeof from;
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t got = ::recvmsg(socket, &header, MSG_PEEK | MSG_DONTWAIT);
  if (got < 0) {
    if (errno == EAGAIN) return std::unique_ptr<image::DatagramT>();
    return Error::from_errno(errno, "recvmsg(MSG_PEEK)");
  }
  datagram->data.resize(static_cast<size_t>(got));
  const auto* bytes = reinterpret_cast<const uint8_t*>(&from);
  datagram->from.assign(bytes, bytes + header.msg_namelen);
  datagram->hops = kHopsUnknown;
  read_control(header, *datagram);
  return datagram;
}

Result<> tell_everything(Changed& changed, int domain) {
  TRY(changed.set({IPPROTO_IP, IP_PKTINFO}, 1));
  TRY(changed.set({IPPROTO_IP, IP_RECVTTL}, 1));
  TRY(changed.set({IPPROTO_IP, IP_RECVTOS}, 1));
  if (domain == AF_INET) return {};
  TRY(changed.set({IPPROTO_IPV6, IPV6_RECVPKTINFO}, 1));
  TRY(changed.set({IPPROTO_IPV6, IPV6_RECVHOPLIMIT}, 1));
  return changed.set({IPPROTO_IPV6, IPV6_RECVTCLASS}, 1);
}

// The empty ones that the walk has passed over.
void put_in(const std::vector<SeenMessage>& queue, image::UdpSocketT& into) {
  for (size_t i = 0; i < queue.size(); ++i) {
    auto& datagrams = into.datagrams;
    if (i < datagrams.size() && datagrams[i]->data.size() == queue[i].bytes) continue;
    auto empty = std::make_unique<image::DatagramT>();
    empty->from = queue[i].from;
    empty->hops = kHopsUnknown;
    datagrams.insert(datagrams.begin() + static_cast<ptrdiff_t>(i), std::move(empty));
  }
}

uint32_t add_words(std::span<const uint8_t> bytes, uint32_t sum) {
  for (size_t i = 0; i < bytes.size(); i += 2)
    sum += static_cast<uint32_t>(bytes[i]) << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0U);
  return sum;
}

template <typename T>
std::span<const uint8_t> bytes_of(const T& value) {
  return {reinterpret_cast<const uint8_t*>(&value), sizeof value};
}

// A whole packet, from an address that need not be ours: so nobody has to be there who sends it.
class Packet {
 public:
  Packet(const image::DatagramT& datagram, const sockaddr_in6& from, const sockaddr_in6& to,
         int protocol)
      : datagram_(datagram), from_(from), to_(to), protocol_(protocol) {}

  Result<> send() const { return IN6_IS_ADDR_V4MAPPED(&to_.sin6_addr) ? send_ipv4() : send_ipv6(); }

 private:
  udphdr header(uint16_t check) const {
    udphdr header{};
    header.source = from_.sin6_port;
    header.dest = to_.sin6_port;
    header.len = htons(static_cast<uint16_t>(sizeof header + datagram_.data.size()));
    header.check = check;
    return header;
  }

  uint16_t checksum(std::span<const uint8_t> source, std::span<const uint8_t> destination) const {
    const udphdr udp = header(0);
    uint32_t sum = add_words(source, 0);
    sum = add_words(destination, sum);
    sum += static_cast<uint32_t>(protocol_) + ntohs(udp.len);
    sum = add_words(bytes_of(udp), sum);
    sum = add_words(datagram_.data, sum);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    const auto check = static_cast<uint16_t>(~sum);
    return htons(check == 0 ? 0xffff : check);
  }

  static uint32_t ipv4_of(const sockaddr_in6& address) {
    uint32_t ipv4 = 0;
    std::memcpy(&ipv4, &address.sin6_addr.s6_addr[12], sizeof ipv4);
    return ipv4;
  }

  Result<> send_ipv4() const {
    iphdr ip{};
    ip.version = 4;
    ip.ihl = sizeof ip / 4;
    ip.tos = datagram_.service;
    ip.ttl = datagram_.hops;
    ip.protocol = static_cast<uint8_t>(protocol_);
    ip.saddr = ipv4_of(from_);
    ip.daddr = ipv4_of(to_);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = ip.daddr;
    return send_packet(AF_INET, IPPROTO_IP, IP_HDRINCL, bytes_of(ip),
                       header(checksum(bytes_of(ip.saddr), bytes_of(ip.daddr))), to);
  }

  Result<> send_ipv6() const {
    ip6_hdr ip{};
    ip.ip6_flow = htonl(6U << 28 | static_cast<uint32_t>(datagram_.service) << 20);
    ip.ip6_plen = htons(static_cast<uint16_t>(sizeof(udphdr) + datagram_.data.size()));
    ip.ip6_nxt = static_cast<uint8_t>(protocol_);
    ip.ip6_hlim = datagram_.hops;
    ip.ip6_src = from_.sin6_addr;
    ip.ip6_dst = to_.sin6_addr;
    sockaddr_in6 to = to_;
    to.sin6_port = 0;
    return send_packet(AF_INET6, IPPROTO_IPV6, IPV6_HDRINCL, bytes_of(ip),
                       header(checksum(bytes_of(ip.ip6_src), bytes_of(ip.ip6_dst))), to);
  }

  template <typename Address>
  Result<> send_packet(int family, int level, int option, std::span<const uint8_t> ip,
                       const udphdr& udp, const Address& to) const {
    UniqueFd raw(TRY_SYS(::socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW)));
    const int on = 1;
    TRY_SYS(::setsockopt(raw.get(), level, option, &on, sizeof on));
    constexpr char kLoopback[] = "lo";  // which leads to groups as well
    TRY_SYS(::setsockopt(raw.get(), SOL_SOCKET, SO_BINDTODEVICE, kLoopback, sizeof kLoopback));
    std::vector<uint8_t> packet(ip.begin(), ip.end());
    std::span<const uint8_t> udp_bytes = bytes_of(udp);
    packet.insert(packet.end(), udp_bytes.begin(), udp_bytes.end());
    packet.insert(packet.end(), datagram_.data.begin(), datagram_.data.end());
    TRY_SYS(::sendto(raw.get(), packet.data(), packet.size(), 0,
                     reinterpret_cast<const sockaddr*>(&to), sizeof to));
    return {};
  }

  const image::DatagramT& datagram_;
  const sockaddr_in6& from_;
  const sockaddr_in6& to_;
  int protocol_;
};

// Both families in the form of one.
sockaddr_in6 as_ipv6(const InetName& name) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  if (name.size() >= sizeof(sockaddr_in6)) {
    std::memcpy(&address, name.data(), sizeof address);
  } else if (name.size() >= sizeof(sockaddr_in)) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, name.data(), sizeof ipv4);
    address.sin6_port = ipv4.sin_port;
    address.sin6_addr.s6_addr[10] = address.sin6_addr.s6_addr[11] = 0xff;
    std::memcpy(&address.sin6_addr.s6_addr[12], &ipv4.sin_addr, sizeof ipv4.sin_addr);
  }
  return address;
}

bool is_nowhere(const sockaddr_in6& address) {
  return IN6_IS_ADDR_UNSPECIFIED(&address.sin6_addr) ||
         (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr) && address.sin6_addr.s6_addr32[3] == 0);
}

}  // namespace

Result<> capture_datagrams(const InstanceView& instance, int socket, image::UdpSocketT& into) {
  Changed changed(socket);
  TRY(tell_everything(changed, into.domain));
  TRY(changed.set({SOL_SOCKET, SO_PEEK_OFF}, 0));
  std::vector<SeenMessage> queue;
  while (auto datagram = TRY(peek(socket))) {
    queue.push_back({datagram->data.size(), datagram->from});
    into.datagrams.push_back(std::move(datagram));
  }
  struct stat info {};
  TRY_SYS(::fstat(socket, &info));
  if (instance.seen_queues == nullptr) return {};
  SeenQueues& seen = *instance.seen_queues;
  if (auto earlier = seen.find(info.st_ino); earlier != seen.end()) {
    const int off = -1;
    TRY_SYS(::setsockopt(socket, SOL_SOCKET, SO_PEEK_OFF, &off, sizeof off));
    auto first = TRY(peek(socket));
    queue = with_passed_over(earlier->second, first && first->data.empty(), queue);
    put_in(queue, into);
  }
  remember(seen, info.st_ino, queue);
  return {};
}

Result<> put_back_datagrams(int socket, const image::UdpSocketT& from) {
  if (from.datagrams.empty()) return {};
  const BufferSizes sizes = TRY(make_room(socket));
  const sockaddr_in6 own = as_ipv6(TRY(name_of(socket)));
  for (const auto& datagram : from.datagrams) {
    const sockaddr_in6 sender = as_ipv6(datagram->from);
    sockaddr_in6 to = datagram->to.empty() ? own : as_ipv6(datagram->to);
    to.sin6_port = own.sin6_port;
    if (is_nowhere(to)) to.sin6_addr = sender.sin6_addr;  // it came over loopback
    TRY(Packet(*datagram, sender, to, from.protocol).send());
  }
  return take_room_back(socket, sizes);
}

}  // namespace appshot::udp
