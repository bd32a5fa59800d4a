// An address and a port as the calls of the kernel take and give them (sockaddr).
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "os/ip_address.h"

namespace appshot {

struct SocketName {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;

  static SocketName of(const IpAddress& address, uint16_t port);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  IpAddress address() const;  // none: it is of another family
  uint16_t port() const;
};

}  // namespace appshot
