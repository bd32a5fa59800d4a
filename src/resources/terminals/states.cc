#include "resources/terminals/states.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "os/file.h"
#include "os/kernel_terminal.h"
#include "resources/awaited.h"
#include "resources/terminals/packet_mode.h"
#include "resources/terminals/waiting_bytes.h"

namespace appshot::terminals {
namespace {

constexpr int kSlaveMajor = 136;
constexpr int kMinorsOfMajor = 256;

using image::TerminalStateT;

// /proc tells a process's terminal as a device number.
int number_of(uint32_t tty) {
  return static_cast<int>((major(tty) - kSlaveMajor) * kMinorsOfMajor + minor(tty));
}

// Whose session it is and which group has its foreground.
void capture_session(TerminalStateT& state, const std::vector<ProcessSource>& processes) {
  for (const ProcessSource& process : processes) {
    pid_t session = proc::id_inside(process.status, "NSsid");
    if (process.stat.tty == 0 || session != process.id.value ||
        number_of(process.stat.tty) != state.index)
      continue;
    state.session = session;
    // tpgid is told in our pid namespace: found again among the processes by their group.
    for (const ProcessSource& other : processes)
      if (other.stat.group == process.stat.tty_group)
        state.foreground = proc::id_inside(other.status, "NSpgid");
  }
}

bool is_on(int fd, unsigned long request) {
  int on = 0;
  return ::ioctl(fd, request, &on) == 0 && on != 0;
}

Result<> capture_settings(int master, TerminalStateT& state) {
  termios2 settings{};
  TRY_SYS(::ioctl(master, TCGETS2, &settings));
  const auto* bytes = reinterpret_cast<const uint8_t*>(&settings);
  state.termios.assign(bytes, bytes + sizeof settings);
  winsize window{};
  TRY_SYS(::ioctl(master, TIOCGWINSZ, &window));
  state.rows = window.ws_row;
  state.columns = window.ws_col;
  state.x_pixels = window.ws_xpixel;
  state.y_pixels = window.ws_ypixel;
  return {};
}

Result<> capture_sides(int master, TerminalStateT& state) {
  state.locked = is_on(master, TIOCGPTLCK);
  state.packets = is_on(master, TIOCGPKT);
  state.master_exclusive = is_on(master, TIOCGEXCL);
  UniqueFd slave = TRY(open_slave(master, O_RDWR | O_NONBLOCK));
  state.exclusive = is_on(slave.get(), TIOCGEXCL);
  struct stat info {};
  TRY_SYS(::fstat(slave.get(), &info));
  state.mode = info.st_mode;
  state.uid = info.st_uid;
  state.gid = info.st_gid;
  int discipline = 0;
  TRY_SYS(::ioctl(slave.get(), TIOCGETD, &discipline));
  if (discipline != 0)
    return Error(ErrorClass::refused, "a terminal is used for something else (TIOCSETD)");
  return {};
}

Result<> capture_waiting(const CaptureContext& context, int master, TerminalStateT& state) {
  WaitingBytes waiting = TRY(copy_waiting(master, context.instance.kernel_layout));
  state.typed = std::move(waiting.typed);
  state.printed = std::move(waiting.printed);
  state.stopped = waiting.stopped;
  return {};
}

// Where the kernel's memory cannot be read, whether a key may have stopped it decides.
Result<> capture_stop(CaptureContext& context, int master, TerminalStateT& state) {
  KernelView* kernel = context.kernel();
  if (kernel == nullptr) return {};
  UniqueFd slave = TRY(open_slave(master, O_RDWR | O_NONBLOCK));
  state.stopped_by_call = TRY(terminal_stopped_by_call(*kernel, slave.get()));
  return {};
}

// The next terminal gets the lowest number that is free: those in between are taken for a moment.
Result<> make(RestoreContext& context, size_t which, std::vector<UniqueFd>& in_between) {
  const TerminalStateT& state = *context.image.terminals[which];
  for (;;) {
    UniqueFd master = TRY(open_file("/dev/pts/ptmx", O_RDWR | O_NOCTTY));
    int number = 0;
    TRY_SYS(::ioctl(master.get(), TIOCGPTN, &number));
    if (number > state.index)
      return Error(ErrorClass::unsupported, "a terminal got number " + std::to_string(number) +
                                                " instead of " + std::to_string(state.index));
    if (number < state.index) {
      in_between.push_back(std::move(master));
      continue;
    }
    const int locked = state.locked ? 1 : 0;
    TRY_SYS(::ioctl(master.get(), TIOCSPTLCK, &locked));
    context.terminal_masters[which] = std::move(master);
    return {};
  }
}

Result<> apply_settings(int master, const TerminalStateT& state) {
  if (state.hung_up) return {};
  termios2 settings{};
  if (state.termios.size() != sizeof settings)
    return Error(ErrorClass::corrupt, "the image's terminal settings have the wrong size");
  std::memcpy(&settings, state.termios.data(), sizeof settings);
  TRY_SYS(::ioctl(master, TCSETS2, &settings));
  winsize window{state.rows, state.columns, state.x_pixels, state.y_pixels};
  TRY_SYS(::ioctl(master, TIOCSWINSZ, &window));
  return {};
}

Result<> finish(int master, const TerminalStateT& state) {
  UniqueFd slave = TRY(open_slave(master, O_RDWR | O_NONBLOCK));
  TRY_SYS(::fchown(slave.get(), state.uid, state.gid));
  TRY_SYS(::fchmod(slave.get(), state.mode & 07777));
  TRY(put_waiting(master,
                  {state.typed, state.printed, is_stopped_untold(state), state.stopped_by_call}));
  const int on = 1;
  if (state.packets) TRY_SYS(::ioctl(master, TIOCPKT, &on));
  TRY(cause_untold(master, slave.get(), state));
  if (state.exclusive) TRY_SYS(::ioctl(slave.get(), TIOCEXCL));
  if (state.master_exclusive) TRY_SYS(::ioctl(master, TIOCEXCL));
  return {};
}

const TerminalStateT* of_session(const image::ImageT& image, int session) {
  for (const auto& terminal : image.terminals)
    if (terminal->session == session) return terminal.get();
  return nullptr;
}

Result<UniqueFd> open_by_name(const TerminalStateT& state) {
  return open_file("/dev/pts/" + std::to_string(state.index), O_RDWR | O_NOCTTY);
}

// The process's own descriptor of it: its name need not lead there for everyone. -1: it has none.
int own_descriptor(const image::ImageT& image, const image::ProcessT& process,
                   const TerminalStateT& state) {
  for (const auto& descriptor : table_owner(image, process).descriptors) {
    const auto& file = *image.open_files[static_cast<size_t>(descriptor->file)];
    const image::TerminalT* terminal = file.kind.AsTerminal();
    if (terminal != nullptr && terminal->terminal >= 0 &&
        image.terminals[static_cast<size_t>(terminal->terminal)].get() == &state)
      return descriptor->fd;
  }
  return -1;
}

}  // namespace

Result<> capture_states(CaptureContext& context, const std::vector<ProcessSource>& processes) {
  const InstanceView& instance = context.instance;
  if (instance.terminal >= 0 && context.terminals.count(instance.terminal_index) == 0) {
    context.terminals[instance.terminal_index] = static_cast<int>(context.image.terminals.size());
    context.image.terminals.push_back(std::make_unique<TerminalStateT>());
    context.image.terminals.back()->index = instance.terminal_index;
  }
  for (auto& state : context.image.terminals) {
    state->of_instance = instance.terminal >= 0 && state->index == instance.terminal_index;
    auto held = context.terminal_masters.find(state->index);
    const int master = state->of_instance                       ? instance.terminal
                       : held != context.terminal_masters.end() ? held->second.get()
                                                                : -1;
    state->hung_up = master < 0;
    if (state->hung_up) continue;
    TRY(capture_settings(master, *state));
    TRY(capture_sides(master, *state));
    capture_session(*state, processes);
    // The harness reads what is printed on the instance's own as it comes.
    TRY(has_untold(master) ? capture_untold(context, master, *state)
                           : capture_waiting(context, master, *state));
    if (state->stopped) TRY(capture_stop(context, master, *state));
  }
  return {};
}

Result<> make_all(RestoreContext& context) {
  const auto& terminals = context.image.terminals;
  std::vector<size_t> by_number(terminals.size());
  for (size_t i = 0; i < by_number.size(); ++i) by_number[i] = i;
  std::ranges::sort(by_number,
                    [&](size_t a, size_t b) { return terminals[a]->index < terminals[b]->index; });
  context.terminal_masters.resize(terminals.size());
  std::vector<UniqueFd> in_between;
  for (size_t which : by_number) {
    TRY(make(context, which, in_between));
    TRY(apply_settings(context.terminal_masters[which].get(), *terminals[which]));
  }
  return {};
}

Result<> finish_all(RestoreContext& context) {
  for (size_t i = 0; i < context.terminal_masters.size(); ++i) {
    const TerminalStateT& state = *context.image.terminals[i];
    if (state.hung_up)
      context.terminal_masters[i].reset();
    else
      TRY(finish(context.terminal_masters[i].get(), state));
  }
  return {};
}

int of_instance(const image::ImageT& image) {
  for (size_t i = 0; i < image.terminals.size(); ++i)
    if (image.terminals[i]->of_instance) return static_cast<int>(i);
  return -1;
}

Result<> take_as_controlling_child(const RestoreContext& context, const image::ProcessT& process) {
  const TerminalStateT* state = of_session(context.image, process.pid);
  if (state == nullptr) return {};
  UniqueFd terminal = TRY(open_by_name(*state));
  TRY_SYS(::ioctl(terminal.get(), TIOCSCTTY, 0));
  return {};
}

Result<> set_foreground_child(const RestoreContext& context, const image::ProcessT& process) {
  const TerminalStateT* state = of_session(context.image, process.pid);
  if (state == nullptr || state->foreground == 0) return {};
  const int own = own_descriptor(context.image, process, *state);
  UniqueFd opened = own >= 0 ? UniqueFd() : TRY(open_by_name(*state));
  pid_t group = PidSpaces(context.image).seen_by(process, state->foreground);
  if (group == 0)
    return Error(ErrorClass::unsupported,
                 "the foreground of its terminal cannot be seen from its pid namespace");
  TRY_SYS(::ioctl(own >= 0 ? own : opened.get(), TIOCSPGRP, &group));
  return {};
}

bool controls_without_descriptor(const image::ImageT& image, const image::ProcessT& process) {
  const TerminalStateT* state = of_session(image, process.pid);
  return state != nullptr && own_descriptor(image, process, *state) < 0;
}

bool controls_terminal(const image::ImageT& image, const image::ProcessT& process) {
  return of_session(image, process.pid) != nullptr;
}

void plan_foreground(const image::ImageT& image, const PidSpaces& spaces,
                     const image::ProcessT& process, CallList& calls, DataSpace& data) {
  const TerminalStateT* state = of_session(image, process.pid);
  if (state == nullptr || state->foreground == 0) return;
  const auto group = static_cast<pid_t>(spaces.seen_by(process, state->foreground));
  calls.add(SYS_ioctl, own_descriptor(image, process, *state), TIOCSPGRP, data.put(group));
}

}  // namespace appshot::terminals
