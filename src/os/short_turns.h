// For work of ours that must not keep a program waiting: while this lives the calling thread, and
// those that it starts, have the processor for a tenth of a millisecond at a time, instead of some
// milliseconds. So who has waited gets it sooner, and we get it sooner after each of our own waits;
// the share of everybody stays the same. (To come before everybody would not do: the kernel makes
// who does that wait for the others now and then, for a twentieth of a second at a time.)
#pragma once

#include <cstdint>

namespace appshot {

class ShortTurns {
 public:
  ShortTurns();  // kernels before 6.12 know no such wish
  ShortTurns(const ShortTurns&) = delete;
  ~ShortTurns();

 private:
  static void set(uint64_t turn_ns);
};

}  // namespace appshot
