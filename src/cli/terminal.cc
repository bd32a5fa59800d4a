#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

namespace appshot {

RawTerminal::RawTerminal(int fd) : fd_(fd) {
  termios mode;
  if (::tcgetattr(fd, &mode) != 0) return;
  before_ = mode;
  ::cfmakeraw(&mode);
  ::tcsetattr(fd, TCSADRAIN, &mode);
}

RawTerminal::~RawTerminal() {
  if (before_) ::tcsetattr(fd_, TCSADRAIN, &*before_);
}

std::optional<WindowSize> window_size() {
  for (int fd : {STDOUT_FILENO, STDIN_FILENO, STDERR_FILENO}) {
    winsize size;
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
      return WindowSize{size.ws_row, size.ws_col};
  }
  return std::nullopt;
}

}  // namespace appshot
