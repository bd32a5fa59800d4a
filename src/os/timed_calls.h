// The system calls of which the kernel itself keeps when they end, once they have been interrupted
// (its "restart block"): what they are, and how their time is told.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

#include <array>
#include <cstdint>

namespace appshot {

struct TimedCall {
  long number = 0;
  std::array<uint64_t, 6> args{};

  bool is_known() const {
    return number == SYS_nanosleep || number == SYS_clock_nanosleep || number == SYS_poll ||
           number == SYS_futex;
  }
  bool is_sleep() const { return number == SYS_nanosleep || number == SYS_clock_nanosleep; }
  // Clocks of processor time, and those that wake the machine, are kept elsewhere.
  bool has_own_timer() const {
    if (number != SYS_clock_nanosleep) return true;
    return args[0] == CLOCK_REALTIME || args[0] == CLOCK_MONOTONIC || args[0] == CLOCK_BOOTTIME ||
           args[0] == CLOCK_TAI;
  }
  // It ends a while after it began; else at a given moment, or never.
  bool is_relative() const {
    if (number == SYS_poll) return static_cast<int32_t>(args[2]) > 0;
    if (number == SYS_futex) return (args[1] & FUTEX_CMD_MASK) == FUTEX_WAIT && args[3] != 0;
    if (number == SYS_clock_nanosleep) return (args[1] & TIMER_ABSTIME) == 0;
    return number == SYS_nanosleep;
  }
  // Where a sleep writes what is left of it when it is interrupted; 0: nowhere.
  uint64_t remainder() const {
    if (number == SYS_nanosleep) return args[1];
    return number == SYS_clock_nanosleep ? args[3] : 0;
  }
};

}  // namespace appshot
