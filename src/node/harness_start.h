// Starts a harness as docs/harness-protocol.md says, and hears from it how that went.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "base/deadline.h"
#include "protocol/channel.h"
#include "protocol/harness_config.h"

namespace appshot {

struct StartedHarness {
  Channel channel;
  pid_t pid = 0;
};

// In a session of its own, with nothing of the daemon's but the control and the config descriptor;
// what it writes goes to state_dir/harness.log. Returns as soon as the program runs.
Result<StartedHarness> start_harness(const std::string& program, const HarnessConfig& config);

// The ready event; the error of the failed event; class gone when the harness just ended.
Result<Json> await_ready(StartedHarness& harness, Deadline deadline);

// The harness program: as configured, or beside this program.
std::string harness_program(const std::string& configured);

}  // namespace appshot
