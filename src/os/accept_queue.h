// Puts connections into the queue of a listening TCP socket with the numbers and times that they
// had once, as if their handshakes had just ended: for that the kernel lets a BPF program say that
// an acknowledgement belongs to a handshake which it has not seen itself (since 6.9).
#pragma once

#include <cstdint>
#include <map>

#include "base/result.h"
#include "os/kernel_tcp.h"
#include "os/tcp_segments.h"
#include "os/unique_fd.h"

namespace appshot {

class AcceptQueue {
 public:
  // Whether what is none of ours arrives over the loopback device of the network namespace in
  // which it was opened, while it exists. Where it does not, nobody hears what those connections
  // answer; else that is to be kept from others in another way.
  enum class Others { heard, unheard };
  // Unsupported where the kernel has no such thing.
  static Result<AcceptQueue> open(Others others = Others::unheard);

  struct Wanted {
    const WaitingTcpConnection& connection;
    uint32_t own_time = 0;  // what the time is for the connection
    bool finishes = false;  // the peer's end is among what arrives
    bool resets = false;    // and that it is reset, after all else
  };
  // At the end of the queue of the listener at its name, of which there must be one only. There
  // must be a way to its peer.
  Result<> put(const Wanted& wanted);

 private:
  struct Handshake;
  AcceptQueue(UniqueFd map, UniqueFd program, UniqueFd link)
      : map_(std::move(map)), program_(std::move(program)), link_(std::move(link)) {}
  Result<> begin(const Wanted& wanted, TcpSegment& segment, TcpSegments& segments);
  Result<> update(Handshake& handshake);
  Result<> look_up(Handshake& handshake);
  Result<TcpSegments*> segments(int family);

  UniqueFd map_;  // of one handshake, which the program reads
  UniqueFd program_;
  UniqueFd link_;                        // with the loopback device
  std::map<int, TcpSegments> segments_;  // by family
};

}  // namespace appshot
