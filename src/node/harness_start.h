// Starts a harness as docs/harness-protocol.md says, and hears from it how that went.
#pragma once

#include <sys/types.h>

#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/deadline.h"
#include "node/harness_link.h"
#include "protocol/channel.h"
#include "protocol/harness_config.h"

namespace appshot {

struct StartedHarness {
  Channel channel;
  pid_t pid = 0;
};

// Starts harnesses, and keeps a spare one that runs already and waits to hear whose it is: a start
// or a wake then need not wait for a program to begin. Threads: any.
class HarnessStarter {
 public:
  // By which a harness comes into being: a program is started, or a seed forks.
  using Make = std::function<Result<StartedHarness>()>;
  explicit HarnessStarter(Make make) : make_(std::move(make)) {}

  // Told what it is to be; what it writes goes to state_dir/harness.log.
  Result<StartedHarness> start(const HarnessConfig& config);
  // Sees to it that there is a spare one. It ends by itself when this object goes.
  void prepare_spare();

 private:
  std::optional<StartedHarness> take_spare();

  const Make make_;
  std::mutex mutex_;
  std::optional<StartedHarness> spare_;
};

// The harness program.
Result<StartedHarness> start_harness_program(const std::string& program);

// The ready event; the error of the failed event; class gone when the harness just ended. As long
// as it tells of progress it is waited for.
Result<Json> await_ready(StartedHarness& harness, std::chrono::milliseconds silence_max,
                         const ProgressListener& progress = {});
// False at the deadline.
bool await_end(StartedHarness& harness, Deadline deadline);

// The harness program: as configured, or beside this program.
std::string harness_program(const std::string& configured);

}  // namespace appshot
