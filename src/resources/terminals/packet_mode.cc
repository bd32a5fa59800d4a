#include "resources/terminals/packet_mode.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <cstring>

#include "os/kernel_terminal.h"
#include "resources/terminals/waiting_bytes.h"

namespace appshot::terminals {
namespace {

constexpr char kStopCharacter = 0x13, kStartCharacter = 0x11;  // ^S, ^Q

bool is_ready(int fd, short event) {
  pollfd state{fd, event, 0};
  return ::poll(&state, 1, 0) == 1 && (state.revents & event) != 0;
}

Error refusal(const char* words) {
  return Error(ErrorClass::refused,
               std::string("the master of a terminal in packet mode has something to tell, and ") +
                   words)
      .hint("let its reader read");
}

Result<> set(int slave, const termios2& settings) {
  TRY_SYS(::ioctl(slave, TCSETS2, &settings));
  return {};
}

// Each is told when it changes; it ends as it was.
Result<> change_settings(int slave, uint8_t untold, const termios2& settings) {
  if ((untold & (TIOCPKT_DOSTOP | TIOCPKT_NOSTOP)) != 0) {
    termios2 other = settings;
    other.c_iflag ^= IXON;
    if ((untold & TIOCPKT_NOSTOP) != 0) {
      other.c_iflag |= IXON;
      other.c_cc[VSTOP] = kStopCharacter;
      other.c_cc[VSTART] = kStartCharacter;
    }
    TRY(set(slave, other));
    TRY(set(slave, settings));
  }
  if ((untold & TIOCPKT_IOCTL) != 0) {
    termios2 other = settings;
    other.c_lflag ^= EXTPROC;
    TRY(set(slave, other));
    TRY(set(slave, settings));
  }
  return {};
}

}  // namespace

bool has_untold(int master) { return is_ready(master, POLLPRI); }

std::string why_untold_is_hidden(int master) {
  if (!has_untold(master)) return "";
  Result<KernelMemory> memory = KernelMemory::open();
  return memory ? "" : memory.error().message();
}

Result<> capture_untold(CaptureContext& context, int master, image::TerminalStateT& into) {
  KernelView* kernel = context.kernel();
  if (kernel == nullptr) return refusal("the kernel's memory cannot be read");
  UniqueFd slave = TRY(open_slave(master, O_RDWR | O_NONBLOCK));
  for (const int side : {master, slave.get()}) {
    const TerminalInput input = TRY(terminal_input(*kernel, side));
    if (!input.taken_in.empty() || !input.behind.empty()) return refusal("holds what is unread");
  }
  into.untold = TRY(terminal_untold(*kernel, slave.get()));
  into.stopped = !is_ready(slave.get(), POLLOUT);
  // To cause the one would undo the other.
  const bool is_set_otherwise = (into.untold & (TIOCPKT_DOSTOP | TIOCPKT_NOSTOP)) != 0;
  if (is_set_otherwise && is_stopped_untold(into)) return refusal("its output is stopped (^S)");
  return {};
}

bool is_stopped_untold(const image::TerminalStateT& state) {
  return state.stopped && (state.untold & TIOCPKT_STOP) == 0;
}

Result<> cause_untold(int master, int slave, const image::TerminalStateT& from) {
  if (from.untold == 0) return {};
  termios2 settings{};
  TRY_SYS(::ioctl(slave, TCGETS2, &settings));
  if ((from.untold & TIOCPKT_FLUSHREAD) != 0) TRY_SYS(::ioctl(slave, TCFLSH, TCIFLUSH));
  if ((from.untold & TIOCPKT_FLUSHWRITE) != 0) TRY_SYS(::ioctl(slave, TCFLSH, TCOFLUSH));
  TRY(change_settings(slave, from.untold, settings));
  if ((from.untold & TIOCPKT_STOP) != 0) return stop_output(master, slave, from.stopped_by_call);
  if ((from.untold & TIOCPKT_START) == 0) return {};
  TRY_SYS(::ioctl(slave, TCXONC, TCOOFF));
  TRY_SYS(::ioctl(slave, TCXONC, TCOON));
  return {};
}

}  // namespace appshot::terminals
