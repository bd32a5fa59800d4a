// What a TCP connection is known by: its two ends.
#pragma once

#include <cstdint>
#include <vector>

#include "os/ip_address.h"

namespace appshot {

struct TcpEnd {
  IpAddress address;
  uint16_t port = 0;
};

struct TcpNames {
  TcpEnd own, peer;
};

// In whose names nothing shall be said for a while.
struct HeldTcp {
  std::vector<TcpNames> connections;
  // Where somebody listens: that nobody does, for the time being, is not said. An address of none
  // is every one.
  std::vector<TcpEnd> listeners;
};

}  // namespace appshot
