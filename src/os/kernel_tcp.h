// TCP connections of which no call tells: those that wait in the queue of a listener have no
// descriptor before they are accepted, those that have been closed have none any more. What they
// are and hold is in the kernel's memory.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "os/ip_address.h"
#include "os/kernel_view.h"

namespace appshot {

struct KernelTcpConnection {
  IpAddress name, peer;  // IPv4 ones also of an IPv6 socket that takes them
  uint16_t port = 0, peer_port = 0;
  uint8_t state = 0;                // TCP_*
  uint32_t sent = 0, received = 0;  // the next numbers of both sides
  uint8_t agreed = 0;               // TCPI_OPT_*
  uint8_t send_scale = 0, receive_scale = 0;
  uint16_t segment = 0;      // the largest that the peer takes
  uint32_t send_window = 0;  // that the peer has opened
  uint32_t receive_window = 0, receive_window_from = 0;
  uint32_t time_offset = 0;  // of its own clock
  uint32_t peer_time = 0;    // the last that the peer has told
};

struct WaitingTcpConnection : KernelTcpConnection {
  int error = 0;  // that whoever accepts it will be told
  bool has_urgent_byte = false;
  bool is_fast_open = false;     // the handshake is not over
  bool has_finished = false;     // the peer
  std::vector<uint8_t> to_read;  // up to `received`, but for the end if it has finished
};

// In their order, of a listener that the caller has open. New ones may come and more may arrive
// meanwhile: each is told of as it was at some moment of the call.
Result<std::vector<WaitingTcpConnection>> waiting_tcp_connections(KernelView& kernel, int listener);

// A byte that was sent out of band (MSG_OOB) and has not been passed yet by what is read.
struct UrgentTcpByte {
  bool has_come = false;
  bool is_taken = false;         // by recv(MSG_OOB)
  size_t at = 0;                 // among what is to be read
  std::vector<uint8_t> to_read;  // with it
  uint32_t received = 0;         // up to where
};
struct UrgentTcp {
  std::optional<UrgentTcpByte> received;
  bool is_sending = false;  // one that the peer has not acknowledged
};
// Of a connection that the caller has open.
Result<UrgentTcp> urgent_tcp(KernelView& kernel, int socket);

// One that no program has any more.
struct UnownedTcpConnection : KernelTcpConnection {
  int family = 0;
  uint32_t end = 0;               // behind all that it has to send, its end among that
  std::vector<uint8_t> to_send;   // what the peer has not acknowledged, but for the end
  uint32_t send_window_from = 0;  // of the peer's numbers
  uint32_t send_window_most = 0;
  uint32_t segment_now = 0;
  bool reuses_address = false, reuses_port = false, is_v6_only = false;
};
// `sock` is where the kernel has it (kernel_tcp_list.h). None: it has come to its end meanwhile.
Result<std::optional<UnownedTcpConnection>> unowned_tcp_connection(KernelView& kernel,
                                                                   uint64_t sock);

}  // namespace appshot
