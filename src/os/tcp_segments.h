// TCP segments in anybody's name, for the sockets of the network namespace we are in alone: they
// never leave it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"
#include "os/tcp_names.h"
#include "os/unique_fd.h"

namespace appshot {

struct TcpSegment {
  TcpEnd from, to;
  uint32_t number = 0, acknowledged = 0;
  uint8_t flags = 0;    // TH_* of netinet/tcp.h
  uint16_t window = 0;  // before it is scaled
  uint16_t urgent = 0;  // behind that byte of its own, with TH_URG
  struct Times {
    uint32_t own = 0, echoed = 0;
  };
  std::optional<Times> times{};
  std::span<const uint8_t> bytes{};
};

class TcpSegments {
 public:
  // `family` is AF_INET or AF_INET6.
  static Result<TcpSegments> open(int family);
  // `mark` goes with it (SO_MARK).
  Result<> send(const TcpSegment& segment, uint32_t mark);

 private:
  explicit TcpSegments(UniqueFd socket) : socket_(std::move(socket)) {}
  UniqueFd socket_;
  uint32_t mark_ = 0;  // of the last one
};

}  // namespace appshot
