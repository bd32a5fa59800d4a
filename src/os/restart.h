// How the kernel marks, in a stopped thread's rax, a system call that it will make again.
#pragma once

#include <cstdint>

namespace appshot {

constexpr int64_t kErestartsys = 512;
constexpr int64_t kErestartnointr = 513;
constexpr int64_t kErestartnohand = 514;
constexpr int64_t kErestartRestartblock = 516;

constexpr bool is_restart(int64_t result) {
  return result == -kErestartsys || result == -kErestartnointr || result == -kErestartnohand ||
         result == -kErestartRestartblock;
}

}  // namespace appshot
