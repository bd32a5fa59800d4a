// The user's terminal while a program inside has it.
#pragma once

#include <termios.h>

#include <optional>

#include "protocol/frames.h"

namespace appshot {

// Raw for its lifetime, if the descriptor is a terminal at all.
class RawTerminal {
 public:
  explicit RawTerminal(int fd);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  int fd_;
  std::optional<termios> before_;
};

// None when no standard descriptor is a terminal.
std::optional<WindowSize> window_size();

}  // namespace appshot
