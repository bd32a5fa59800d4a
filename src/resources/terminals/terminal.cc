#include "resources/terminals/terminal.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <cstring>

#include "os/file.h"
#include "resources/open_flags.h"

namespace appshot::terminals {
namespace {

constexpr unsigned kPtsMajorFirst = 136, kPtsMajorLast = 143;
constexpr unsigned kTtyMajor = 5;
constexpr char kControlling[] = "/dev/tty";

bool is_slave(const struct stat& info) {
  return S_ISCHR(info.st_mode) && major(info.st_rdev) >= kPtsMajorFirst &&
         major(info.st_rdev) <= kPtsMajorLast;
}

bool is_controlling_alias(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(kTtyMajor, 0);
}

}  // namespace

bool Terminal::recognises(const DescriptorRef& ref) const {
  const struct stat& info = ref.descriptor.info;
  if (is_controlling_alias(info)) return true;
  return is_slave(info) && ref.instance.terminal >= 0 &&
         static_cast<int>(minor(info.st_rdev)) == ref.instance.terminal_index;
}

Result<image::FileKindUnion> Terminal::capture(CaptureContext&, const DescriptorRef& ref) const {
  image::TerminalT terminal;
  terminal.name = is_controlling_alias(ref.descriptor.info) ? kControlling : ref.descriptor.link;
  image::FileKindUnion kind;
  kind.Set(std::move(terminal));
  return kind;
}

Result<UniqueFd> Terminal::reopen(RestoreContext& context, const image::OpenFileT& file) const {
  const std::string& name = file.kind.AsTerminal()->name;
  if (name == kControlling) return UniqueFd();  // means something only to the process that opens it
  if (context.terminal.empty())
    return Error(ErrorClass::other, "the image's terminal was not made");
  return open_file(context.terminal, reopen_flags(file.flags) | O_NOCTTY);
}

Result<UniqueFd> Terminal::reopen_child(const RestoreContext&, const image::OpenFileT& file) const {
  if (file.kind.AsTerminal()->name != kControlling) return UniqueFd();
  return open_file(kControlling, reopen_flags(file.flags) | O_NOCTTY);
}

Result<> capture_state(CaptureContext& context, const std::vector<ProcessSource>& processes) {
  int master = context.instance.terminal;
  if (master < 0) return {};
  auto state = std::make_unique<image::TerminalStateT>();
  termios2 settings{};
  TRY_SYS(::ioctl(master, TCGETS2, &settings));
  const auto* bytes = reinterpret_cast<const uint8_t*>(&settings);
  state->termios.assign(bytes, bytes + sizeof settings);
  winsize window{};
  TRY_SYS(::ioctl(master, TIOCGWINSZ, &window));
  state->rows = window.ws_row;
  state->cols = window.ws_col;
  state->index = context.instance.terminal_index;
  for (const ProcessSource& process : processes) {
    pid_t session = proc::innermost(process.status, "NSsid");
    if (process.stat.tty == 0 || session != process.id.value) continue;
    state->session = session;
    // tpgid is told in our pid namespace: found again among the processes by their group.
    for (const ProcessSource& other : processes)
      if (other.stat.group == process.stat.tty_group)
        state->foreground = proc::innermost(other.status, "NSpgid");
  }
  context.image.terminal = std::move(state);
  return {};
}

Result<> restore_state(const RestoreContext& context, int master) {
  const image::TerminalStateT& state = *context.image.terminal;
  termios2 settings{};
  if (state.termios.size() != sizeof settings)
    return Error(ErrorClass::corrupt, "the image's terminal settings have the wrong size");
  std::memcpy(&settings, state.termios.data(), sizeof settings);
  TRY_SYS(::ioctl(master, TCSETS2, &settings));
  winsize window{};
  window.ws_row = state.rows;
  window.ws_col = state.cols;
  TRY_SYS(::ioctl(master, TIOCSWINSZ, &window));
  return {};
}

Result<> take_as_controlling_child(const RestoreContext& context, const image::ProcessT& process) {
  if (!context.image.terminal || context.image.terminal->session != process.pid) return {};
  UniqueFd terminal = TRY(open_file(context.terminal, O_RDWR | O_NOCTTY));
  TRY_SYS(::ioctl(terminal.get(), TIOCSCTTY, 0));
  return {};
}

Result<> set_foreground_child(const RestoreContext& context, const image::ProcessT& process) {
  if (!context.image.terminal || context.image.terminal->session != process.pid) return {};
  if (context.image.terminal->foreground == 0) return {};
  UniqueFd terminal = TRY(open_file(context.terminal, O_RDWR | O_NOCTTY));
  pid_t group = context.image.terminal->foreground;
  TRY_SYS(::ioctl(terminal.get(), TIOCSPGRP, &group));
  return {};
}

}  // namespace appshot::terminals
