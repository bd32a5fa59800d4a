// What the kernel tells of the sockets of a network namespace beyond what a descriptor tells
// (sock_diag(7)): who is connected with whom, and who waits to be accepted.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "base/result.h"
#include "os/tcp_names.h"

namespace appshot {

struct UnixSocketState {
  uint32_t inode = 0;
  uint32_t peer = 0;  // 0: none, or one that nobody has open (closed, or not accepted yet)
  bool listening = false;
  uint8_t shut = 0;                 // 1: reading, 2: writing
  uint32_t to_read = 0;             // bytes; of a listener: connections that wait
  uint32_t not_taken = 0;           // bytes that its peer has not read; of a listener: its backlog
  std::vector<uint32_t> waiting{};  // of a listener: the clients, in their order; 0: closed already
};

// Those of the calling process's network namespace, by inode.
Result<std::map<uint32_t, UnixSocketState>> list_unix_sockets();

// A TCP connection that no program has any more, and that still has something to tell its peer.
struct UnfinishedSending {
  std::vector<uint8_t> peer;  // a sockaddr
  uint32_t bytes = 0;         // its end counts as one
};
Result<std::vector<UnfinishedSending>> list_unfinished_sending();

// The peers of TCP connections that have been answered here, and have not answered that: sockaddrs.
Result<std::set<std::vector<uint8_t>>> list_handshakes();

// Whom TCP sockets are about to connect with: sockaddrs, by inode. No descriptor tells before it
// has succeeded. `family` is AF_INET or AF_INET6.
Result<std::map<uint32_t, std::vector<uint8_t>>> list_connecting(int family);

// Every TCP socket that has a peer, whoever has it.
struct TcpConnectionState {
  TcpNames names;
  uint32_t inode = 0;  // 0: no program has it any more
  int family = 0;
  std::array<uint32_t, 2> cookie{};  // by which the kernel tells it from another of its names
};
Result<std::vector<TcpConnectionState>> list_tcp_connections();
// One that no program has any more is no more, not even to the kernel, which says so to its peer.
Result<> end_connection(const TcpConnectionState& connection);

}  // namespace appshot
