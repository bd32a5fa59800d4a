// IP packets as they are, for the sockets of the network namespace we are in alone: they never
// leave it.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"

namespace appshot {

// From its IP header on, to an address of this namespace; by loopback. `mark` goes with it
// (SO_MARK).
Result<> send_whole_packet(std::span<const uint8_t> packet, uint32_t mark = 0);

// While it exists nobody in the network namespace in which it was made says anything, but for
// packets of that mark: what the kernel answers to those is not sent.
class Silence {
 public:
  static Result<Silence> begin(uint32_t but_for_mark);
  Silence(Silence&& other) noexcept : is_ours_(std::exchange(other.is_ours_, false)) {}
  Silence& operator=(Silence&&) = delete;
  ~Silence();

 private:
  Silence() = default;
  bool is_ours_ = true;
};

}  // namespace appshot
