#include "node/harness_start.h"

#include <fcntl.h>

#include "node/child_program.h"
#include "os/file.h"
#include "protocol/error_json.h"
#include "protocol/harness_begin.h"

namespace appshot {
namespace {

constexpr int kControlFd = 3;

}  // namespace

// Until it gets a log of its own, it has the daemon's.
Result<StartedHarness> start_harness_program(const std::string& program) {
  auto [ours, theirs] = TRY(Channel::make_pair());
  Result<pid_t> pid =
      start_child(program, {"appshot-harness", "--control", std::to_string(kControlFd)},
                  {{theirs.fd(), kControlFd}});
  if (!pid) return Error(pid.take_error()).hint("APPSHOT_HARNESS names another");
  return StartedHarness{std::move(ours), *pid};
}

Result<StartedHarness> HarnessStarter::start(const HarnessConfig& config) {
  UniqueFd log =
      TRY(open_file(config.state_dir + "/harness.log", O_WRONLY | O_CREAT | O_APPEND, 0600));
  std::optional<StartedHarness> spare = take_spare();
  // One that has died meanwhile is no reason to fail.
  if (spare && send_begin(spare->channel, config, log.get())) return std::move(*spare);
  StartedHarness harness = TRY(make_());
  TRY(send_begin(harness.channel, config, log.get()));
  return harness;
}

void HarnessStarter::prepare_spare() {
  std::lock_guard lock(mutex_);
  if (spare_) return;
  // The next start tries by itself and tells why it cannot.
  if (Result<StartedHarness> spawned = make_()) spare_ = std::move(*spawned);
}

std::optional<StartedHarness> HarnessStarter::take_spare() {
  std::lock_guard lock(mutex_);
  return std::exchange(spare_, std::nullopt);
}

Result<Json> await_ready(StartedHarness& harness, std::chrono::milliseconds silence_max,
                         const ProgressListener& progress) {
  int64_t lost = 0;
  Json hooks = Json::array();
  for (;;) {
    std::optional<Packet> packet = TRY(harness.channel.receive(Deadline::in(silence_max)));
    if (!packet)
      return Error(ErrorClass::other, "the harness ended before it was ready")
          .hint("its last words are in harness.log in the instance's state folder");
    std::string event = string_at(packet->document, "event");
    if (event == "hook") hooks.push_back(packet->document);
    if (event == "lost") lost = int_at(packet->document, "connections");
    if (event == "ready") {
      packet->document["lost_connections"] = lost;
      packet->document["hooks"] = std::move(hooks);
      return std::move(packet->document);
    }
    if (event == "failed") return error_from_json(field(packet->document, "error"));
    if (event == "progress" && progress) progress(field(packet->document, "progress"));
  }
}

bool await_end(StartedHarness& harness, Deadline deadline) {
  for (;;) {
    Result<std::optional<Packet>> packet = harness.channel.receive(deadline);
    if (!packet) return packet.error().cls() != ErrorClass::timeout;
    if (!*packet) return true;
  }
}

std::string harness_program(const std::string& configured) {
  return configured.empty() ? program_beside("appshot-harness") : configured;
}

}  // namespace appshot
