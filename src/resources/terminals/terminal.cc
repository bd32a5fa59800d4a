#include "resources/terminals/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "os/file.h"
#include "resources/open_flags.h"
#include "resources/terminals/packet_mode.h"
#include "resources/terminals/waiting_bytes.h"

namespace appshot::terminals {
namespace {

constexpr unsigned kPtsMajorFirst = 136, kPtsMajorLast = 143;
constexpr unsigned kTtyMajor = 5;
constexpr unsigned kMasterMinor = 2;
constexpr char kControlling[] = "/dev/tty";

bool is_slave(const struct stat& info) {
  return S_ISCHR(info.st_mode) && major(info.st_rdev) >= kPtsMajorFirst &&
         major(info.st_rdev) <= kPtsMajorLast;
}

bool is_master(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(kTtyMajor, kMasterMinor);
}

bool is_controlling_alias(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(kTtyMajor, 0);
}

// The host's terminals are not the application's.
bool is_of_instance(const DescriptorRef& ref) {
  struct stat own {};
  return ::stat((ref.instance.root + "/dev/pts").c_str(), &own) == 0 &&
         own.st_dev == ref.descriptor.info.st_dev;
}

// Image.terminals.
int state_of(CaptureContext& context, int number) {
  auto [known, is_new] = context.terminals.emplace(number, 0);
  if (!is_new) return known->second;
  known->second = static_cast<int>(context.image.terminals.size());
  context.image.terminals.push_back(std::make_unique<image::TerminalStateT>());
  context.image.terminals.back()->index = number;
  return known->second;
}

}  // namespace

bool Terminal::recognises(const DescriptorRef& ref) const {
  const struct stat& info = ref.descriptor.info;
  return is_controlling_alias(info) || (is_slave(info) && is_of_instance(ref));
}

Result<image::FileKindUnion> Terminal::capture(CaptureContext& context,
                                               const DescriptorRef& ref) const {
  image::TerminalT terminal;
  const struct stat& info = ref.descriptor.info;
  if (is_controlling_alias(info)) {
    terminal.name = kControlling;
  } else {
    terminal.name = ref.descriptor.link;
    terminal.terminal = state_of(context, static_cast<int>(minor(info.st_rdev)));
    image::TerminalStateT& state = *context.image.terminals[static_cast<size_t>(terminal.terminal)];
    state.mode = info.st_mode;
    state.uid = info.st_uid;
    state.gid = info.st_gid;
  }
  image::FileKindUnion kind;
  kind.Set(std::move(terminal));
  return kind;
}

Result<UniqueFd> Terminal::reopen(RestoreContext& context, const image::OpenFileT& file) const {
  const int terminal = file.kind.AsTerminal()->terminal;
  if (terminal < 0) return UniqueFd();  // means something only to the process that opens it
  const UniqueFd& master = context.terminal_masters[static_cast<size_t>(terminal)];
  return open_slave(master.get(), reopen_flags(file.flags));
}

Result<UniqueFd> Terminal::reopen_child(const RestoreContext&, const image::OpenFileT& file) const {
  if (file.kind.AsTerminal()->terminal >= 0) return UniqueFd();
  return open_file(kControlling, reopen_flags(file.flags) | O_NOCTTY);
}

bool TerminalMaster::recognises(const DescriptorRef& ref) const {
  return is_master(ref.descriptor.info) && is_of_instance(ref) &&
         (ref.descriptor.flags() & O_PATH) == 0;
}

std::string TerminalMaster::obstacle(const DescriptorRef& ref) const {
  Result<UniqueFd> copy = ref.process.pidfd.take_copy(ref.descriptor.fd);
  const std::string hidden = copy ? why_untold_is_hidden(copy->get()) : "";
  if (hidden.empty()) return "";
  return "the master of a terminal in packet mode, which has something to tell (" + hidden + ")";
}

Result<image::FileKindUnion> TerminalMaster::capture(CaptureContext& context,
                                                     const DescriptorRef& ref) const {
  UniqueFd copy = TRY(ref.process.pidfd.take_copy(ref.descriptor.fd));
  int number = 0;
  TRY_SYS(::ioctl(copy.get(), TIOCGPTN, &number));
  image::TerminalMasterT master;
  master.terminal = state_of(context, number);
  context.terminal_masters[number] = std::move(copy);
  image::FileKindUnion kind;
  kind.Set(master);
  return kind;
}

Result<UniqueFd> TerminalMaster::reopen(RestoreContext& context,
                                        const image::OpenFileT& file) const {
  const auto terminal = static_cast<size_t>(file.kind.AsTerminalMaster()->terminal);
  UniqueFd master(TRY_SYS(::fcntl(context.terminal_masters[terminal].get(), F_DUPFD_CLOEXEC, 0)));
  TRY_SYS(::fcntl(master.get(), F_SETFL, file.flags & (O_NONBLOCK | O_APPEND)));
  return master;
}

}  // namespace appshot::terminals
