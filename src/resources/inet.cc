#include "resources/inet.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace appshot {
namespace {

// Newer than the C library's headers.
constexpr int kIpLocalPortRange = 51;
constexpr int kIpRecvErrRfc4884 = 26;
constexpr int kIpv6RecvErrRfc4884 = 31;

// The type of service changes the priority, so it comes before what all sockets have.
constexpr OptionName kIp[] = {{IPPROTO_IP, IP_TOS},
                              {IPPROTO_IP, IP_TTL},
                              {IPPROTO_IP, IP_OPTIONS},
                              {IPPROTO_IP, IP_MTU_DISCOVER},
                              {IPPROTO_IP, IP_MINTTL},
                              {IPPROTO_IP, IP_FREEBIND},
                              {IPPROTO_IP, IP_TRANSPARENT},
                              {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT},
                              {IPPROTO_IP, kIpLocalPortRange},
                              {IPPROTO_IP, IP_PKTINFO},
                              {IPPROTO_IP, IP_RECVTTL},
                              {IPPROTO_IP, IP_RECVTOS},
                              {IPPROTO_IP, IP_RECVOPTS},
                              {IPPROTO_IP, IP_RETOPTS},
                              {IPPROTO_IP, IP_PASSSEC},
                              {IPPROTO_IP, IP_RECVORIGDSTADDR},
                              {IPPROTO_IP, IP_RECVFRAGSIZE},
                              {IPPROTO_IP, IP_CHECKSUM},
                              {IPPROTO_IP, IP_RECVERR},
                              {IPPROTO_IP, kIpRecvErrRfc4884},
                              {IPPROTO_IP, IP_NODEFRAG},
                              {IPPROTO_IP, IP_UNICAST_IF}};

constexpr OptionName kIpv6[] = {{IPPROTO_IPV6, IPV6_V6ONLY},
                                {IPPROTO_IPV6, IPV6_TCLASS},
                                {IPPROTO_IPV6, IPV6_UNICAST_HOPS},
                                {IPPROTO_IPV6, IPV6_UNICAST_IF},
                                {IPPROTO_IPV6, IPV6_MTU_DISCOVER},
                                {IPPROTO_IPV6, IPV6_FREEBIND},
                                {IPPROTO_IPV6, IPV6_TRANSPARENT},
                                {IPPROTO_IPV6, IPV6_MINHOPCOUNT},
                                {IPPROTO_IPV6, IPV6_DONTFRAG},
                                {IPPROTO_IPV6, IPV6_RECVPKTINFO},
                                {IPPROTO_IPV6, IPV6_RECVHOPLIMIT},
                                {IPPROTO_IPV6, IPV6_RECVTCLASS},
                                {IPPROTO_IPV6, IPV6_RECVRTHDR},
                                {IPPROTO_IPV6, IPV6_RECVHOPOPTS},
                                {IPPROTO_IPV6, IPV6_RECVDSTOPTS},
                                {IPPROTO_IPV6, IPV6_RECVPATHMTU},
                                {IPPROTO_IPV6, IPV6_RECVORIGDSTADDR},
                                {IPPROTO_IPV6, IPV6_RECVFRAGSIZE},
                                {IPPROTO_IPV6, IPV6_RECVERR},
                                {IPPROTO_IPV6, kIpv6RecvErrRfc4884},
                                {IPPROTO_IPV6, IPV6_AUTOFLOWLABEL},
                                {IPPROTO_IPV6, IPV6_ADDR_PREFERENCES},
                                {IPPROTO_IP, IP_TOS},
                                {IPPROTO_IP, IP_TTL},
                                {IPPROTO_IP, IP_MTU_DISCOVER},
                                {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT},
                                {IPPROTO_IP, IP_PKTINFO},
                                {IPPROTO_IP, IP_RECVTTL},
                                {IPPROTO_IP, IP_RECVTOS},
                                {IPPROTO_IP, IP_RECVERR},
                                {IPPROTO_IP, kIpLocalPortRange}};

// A stream has them from whoever connected.
constexpr OptionName kIpMulticast[] = {{IPPROTO_IP, IP_MULTICAST_TTL},
                                       {IPPROTO_IP, IP_MULTICAST_LOOP},
                                       {IPPROTO_IP, IP_MULTICAST_IF},
                                       {IPPROTO_IP, IP_MULTICAST_ALL}};
constexpr OptionName kIpv6Multicast[] = {
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS}, {IPPROTO_IPV6, IPV6_MULTICAST_LOOP},
    {IPPROTO_IPV6, IPV6_MULTICAST_IF},   {IPPROTO_IPV6, IPV6_MULTICAST_ALL},
    {IPPROTO_IP, IP_MULTICAST_TTL},      {IPPROTO_IP, IP_MULTICAST_LOOP},
    {IPPROTO_IP, IP_MULTICAST_IF},       {IPPROTO_IP, IP_MULTICAST_ALL}};

template <typename Ask>
Result<InetName> ask_name(int socket, Ask ask) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (ask(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    if (errno == ENOTCONN) return InetName();
    return Error::from_errno(errno, "name of a socket");
  }
  const auto* bytes = reinterpret_cast<const uint8_t*>(&address);
  return InetName(bytes, bytes + length);
}

const sockaddr* address_in(const InetName& name) {
  return reinterpret_cast<const sockaddr*>(name.data());
}

}  // namespace

Result<InetName> name_of(int socket) {
  InetName name = TRY(ask_name(socket, ::getsockname));
  // Nowhere and without a port: not bound.
  const bool is_bound = std::any_of(name.begin() + std::min<ptrdiff_t>(2, std::ssize(name)),
                                    name.end(), [](uint8_t byte) { return byte != 0; });
  return is_bound ? name : InetName();
}

Result<InetName> peer_name_of(int socket) { return ask_name(socket, ::getpeername); }

Result<> bind_to(int socket, const InetName& name) {
  if (name.empty()) return {};
  if (::bind(socket, address_in(name), static_cast<socklen_t>(name.size())) == 0) return {};
  const int err = errno;
  Error error = Error::from_errno(err, "bind to port " + std::to_string(port_of(name)));
  if (err == EADDRINUSE) return std::move(error).as(ErrorClass::conflict);
  return error;
}

Result<> connect_to(int socket, const InetName& name) {
  TRY_SYS(::connect(socket, address_in(name), static_cast<socklen_t>(name.size())));
  return {};
}

uint16_t port_of(const InetName& name) {
  sockaddr_in address{};  // the port is at the same place in both
  std::memcpy(&address, name.data(), std::min(name.size(), sizeof address));
  return ntohs(address.sin_port);
}

namespace {

in6_addr address_of(const InetName& name) {
  in6_addr address{};
  if (name.size() >= sizeof(sockaddr_in6)) {
    std::memcpy(&address, name.data() + offsetof(sockaddr_in6, sin6_addr), sizeof address);
  } else if (name.size() >= sizeof(sockaddr_in)) {
    address.s6_addr[10] = address.s6_addr[11] = 0xff;
    std::memcpy(&address.s6_addr[12], name.data() + offsetof(sockaddr_in, sin_addr),
                sizeof(in_addr));
  }
  return address;
}

}  // namespace

IpAddress ip_address_of(const InetName& name) {
  const in6_addr address = address_of(name);
  if (!IN6_IS_ADDR_V4MAPPED(&address)) return IpAddress::v6(address);
  uint32_t number = 0;
  std::memcpy(&number, &address.s6_addr[12], sizeof number);
  return IpAddress::v4(ntohl(number));
}

InetName name_at(int domain, const IpAddress& address, uint16_t port) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  v4.sin_port = v6.sin6_port = htons(port);
  if (!address.is_v4()) {
    std::memcpy(&v6.sin6_addr, address.bytes().data(), sizeof v6.sin6_addr);
  } else {
    v4.sin_addr.s_addr = htonl(address.number());
    v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
    std::memcpy(&v6.sin6_addr.s6_addr[12], &v4.sin_addr, sizeof v4.sin_addr);
  }
  const auto* bytes = domain == AF_INET ? reinterpret_cast<const uint8_t*>(&v4)
                                        : reinterpret_cast<const uint8_t*>(&v6);
  return InetName(bytes, bytes + (domain == AF_INET ? sizeof v4 : sizeof v6));
}

std::string key_of(const InetName& name) {
  const in6_addr address = address_of(name);
  std::string key(reinterpret_cast<const char*>(&address), sizeof address);
  return key + ":" + std::to_string(port_of(name));
}

bool same_address(const InetName& one, const InetName& other) {
  const in6_addr first = address_of(one);
  const in6_addr second = address_of(other);
  return IN6_ARE_ADDR_EQUAL(&first, &second);
}

bool is_anywhere(const InetName& name) {
  const in6_addr address = address_of(name);
  if (IN6_IS_ADDR_UNSPECIFIED(&address)) return true;
  return IN6_IS_ADDR_V4MAPPED(&address) && ip_address_of(name).number() == INADDR_ANY;
}

bool is_loopback(const InetName& name) {
  const in6_addr address = address_of(name);
  if (IN6_IS_ADDR_LOOPBACK(&address)) return true;
  return IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == IN_LOOPBACKNET;
}

std::span<const OptionName> inet_options(int domain) {
  if (domain == AF_INET6) return kIpv6;
  return kIp;
}

std::span<const OptionName> multicast_options(int domain) {
  if (domain == AF_INET6) return kIpv6Multicast;
  return kIpMulticast;
}

bool is_for_binding(const OptionName& option) {
  constexpr OptionName kNames[] = {
      {IPPROTO_IPV6, IPV6_V6ONLY},      {IPPROTO_IPV6, IPV6_FREEBIND},
      {IPPROTO_IPV6, IPV6_TRANSPARENT}, {IPPROTO_IP, IP_FREEBIND},
      {IPPROTO_IP, IP_TRANSPARENT},     {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT},
      {IPPROTO_IP, kIpLocalPortRange},  {SOL_SOCKET, SO_BINDTODEVICE}};
  return std::ranges::any_of(kNames, [&](const OptionName& name) {
    return name.level == option.level && name.name == option.name;
  });
}

}  // namespace appshot
