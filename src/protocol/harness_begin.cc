#include "protocol/harness_begin.h"

#include <poll.h>

namespace appshot {
namespace {

constexpr int kWaitForever = -1;
constexpr std::chrono::seconds kReceiveMax{10};

}  // namespace

Result<> send_begin(Channel& control, const HarnessConfig& config, int log) {
  int fds[] = {log};
  return control.send(harness_config_to_json(config), fds);
}

Result<std::optional<HarnessBegin>> await_begin(Channel& control) {
  pollfd waiting{control.fd(), POLLIN, 0};
  while (::poll(&waiting, 1, kWaitForever) < 0)
    if (errno != EINTR) return Error::from_errno(errno, "poll for the harness's configuration");
  std::optional<Packet> packet = TRY(control.receive(Deadline::in(kReceiveMax)));
  if (!packet) return std::optional<HarnessBegin>();
  if (packet->fds.size() != 1)
    return Error(ErrorClass::usage, "a harness is begun with one descriptor, its log");
  HarnessBegin begin;
  begin.config = TRY(harness_config_from_json(packet->document).within("harness configuration"));
  begin.log = std::move(packet->fds[0]);
  return std::optional<HarnessBegin>(std::move(begin));
}

}  // namespace appshot
