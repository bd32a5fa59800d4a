// Every TCP socket of a network namespace, also those that no program has any more: no descriptor
// leads to them. A BPF program that the kernel runs for each of them copies where it is and how it
// begins, in one go for all.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "os/ip_address.h"
#include "os/kernel_view.h"
#include "os/tcp_names.h"

namespace appshot {

// One that no program has, and that still has something to tell its peer, or something to hear.
struct UnownedTcpSock {
  uint64_t address = 0;
  TcpNames names;
};

// What is left of a connection that has nothing more to tell.
struct EndedTcpConnection {
  int family = 0;  // of the socket: IPv6 ones have IPv4 names, too
  TcpNames names;
  uint8_t state = 0;  // TCP_TIME_WAIT, TCP_FIN_WAIT2
  uint32_t sent = 0, received = 0;
  uint32_t window = 0;
  uint8_t window_scale = 0;
  bool tells_times = false;
  uint32_t time_offset = 0, peer_time = 0;
  bool reuses_address = false, reuses_port = false, is_v6_only = false, is_transparent = false;
};

struct LeftTcp {
  std::vector<UnownedTcpSock> unowned;
  std::vector<EndedTcpConnection> ended;
};

// Of the calling thread's network namespace.
Result<LeftTcp> list_left_tcp(KernelView& kernel);

}  // namespace appshot
