// Long work of ours that must not keep a program waiting: while this lives the calling thread has
// the processor for a tenth of a millisecond at a time, instead of some milliseconds, before
// somebody who has waited gets it. So have threads that it starts. Their share stays the same.
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
