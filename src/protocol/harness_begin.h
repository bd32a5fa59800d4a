// The first packet to a harness: what it is to be. A harness may be started before that is known
// and waits for it, so that a start or a wake finds a process that is already there.
#pragma once

#include <optional>

#include "protocol/channel.h"
#include "protocol/harness_config.h"

namespace appshot {

struct HarnessBegin {
  HarnessConfig config;
  UniqueFd log;  // where its own last words go
};

Result<> send_begin(Channel& control, const HarnessConfig& config, int log);

// Waits as long as it takes. Nothing: whoever could have told us is gone.
Result<std::optional<HarnessBegin>> await_begin(Channel& control);

}  // namespace appshot
