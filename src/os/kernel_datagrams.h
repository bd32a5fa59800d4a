// What sockets of datagrams keep that no call tells, read from the kernel's memory.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "os/ip_address.h"
#include "os/kernel_view.h"

namespace appshot {

// A datagram of which more will be given (MSG_MORE, UDP_CORK).
struct BegunDatagram {
  std::vector<uint8_t> bytes;
  IpAddress to;
  uint16_t port = 0;
  uint32_t device = 0;  // it goes out by, where the address does not tell
  int hops = -1;        // asked for with it; -1: nothing was
  int service = -1;
  uint16_t segment = 0;  // of UDP_SEGMENT
  bool has_options = false;
};
// Of a UDP socket that the caller has open; none where nothing is begun.
Result<std::optional<BegunDatagram>> begun_datagram(KernelView& kernel, int socket);

// What is to be read from a raw socket, or one for pings: each packet from its IP header on.
Result<std::vector<std::vector<uint8_t>>> waiting_packets(KernelView& kernel, int socket);

// The device that a socket of IPv4 or IPv6 has chosen for its multicasts over IPv4 by index
// (IP_MULTICAST_IF); 0: none.
Result<uint32_t> multicast_device(KernelView& kernel, int socket);

}  // namespace appshot
