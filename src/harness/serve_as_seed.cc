#include "harness/serve_as_seed.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/pace.h"
#include "os/fault.h"
#include "protocol/error_json.h"
#include "protocol/messages.h"

namespace appshot {
namespace {

constexpr int kWaitForever = -1;
constexpr std::chrono::seconds kReceiveMax{10};

Result<std::unique_ptr<Seed>> load(const std::string& image, Channel& control) {
  return Seed::load(image, [&, pace = Pace()](uint64_t done, uint64_t total) mutable {
    if (pace.due())
      (void)!control.send(make_event(
          "progress", {{"progress", {{"phase", "memory"}, {"done", done}, {"total", total}}}}));
  });
}

// Nothing: the daemon is gone, or wants no more.
std::optional<UniqueFd> next_order(Channel& control) {
  pollfd waiting{control.fd(), POLLIN, 0};
  while (::poll(&waiting, 1, kWaitForever) < 0)
    if (errno != EINTR) return std::nullopt;
  Result<std::optional<Packet>> order = control.receive(Deadline::in(kReceiveMax));
  if (!order || !*order || (*order)->fds.size() != 1) return std::nullopt;
  return std::move((*order)->fds[0]);
}

Result<pid_t> make_harness() {
  TRY(fault_point("seed.fork"));
  return TRY_SYS(::fork());
}

}  // namespace

int serve_as_seed(const std::string& image, Channel control, MachineGuards guards,
                  int (*serve)(Channel, Seed*, MachineGuards)) {
  ::prctl(PR_SET_NAME, "appshot-seed", 0, 0, 0);
  Result<std::unique_ptr<Seed>> seed = load(image, control);
  if (!seed) {
    (void)!control.send(make_event("failed", {{"error", error_to_json(seed.error())}}));
    return 1;
  }
  // Nobody here waits for harnesses: the daemon hears of their ends by their channels.
  ::signal(SIGCHLD, SIG_IGN);
  (void)!control.send(make_event("ready"));
  while (std::optional<UniqueFd> channel = next_order(control)) {
    const Result<pid_t> pid = make_harness();
    if (pid && *pid == 0) {
      ::signal(SIGCHLD, SIG_DFL);
      control = Channel();
      return serve(Channel(*std::move(channel)), seed->get(), std::move(guards));
    }
    (void)!control.send(pid ? Json{{"pid", *pid}} : Json{{"error", error_to_json(pid.error())}});
  }
  return 0;
}

}  // namespace appshot
