#include "os/socket_name.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace appshot {
namespace {

template <typename Name>
Name read_as(const sockaddr_storage& storage) {
  Name name{};
  std::memcpy(&name, &storage, sizeof name);
  return name;
}

}  // namespace

SocketName SocketName::of(const IpAddress& address, uint16_t port) {
  SocketName name;
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = htonl(address.number());
    std::memcpy(&name.storage, &v4, name.size = sizeof v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::ranges::copy(address.bytes(), v6.sin6_addr.s6_addr);
    std::memcpy(&name.storage, &v6, name.size = sizeof v6);
  }
  return name;
}

IpAddress SocketName::address() const {
  if (storage.ss_family == AF_INET)
    return IpAddress::v4(ntohl(read_as<sockaddr_in>(storage).sin_addr.s_addr));
  if (storage.ss_family == AF_INET6) return IpAddress::v6(read_as<sockaddr_in6>(storage).sin6_addr);
  return {};
}

uint16_t SocketName::port() const {
  return ntohs(read_as<sockaddr_in>(storage).sin_port);  // at the same place in both
}

}  // namespace appshot
