// The life of a seed (restore/seed.h): it loads an image, and makes harnesses of forks of itself
// for as long as the daemon wants them (docs/harness-protocol.md).
#pragma once

#include <string>

#include "isolation/machine_guards.h"
#include "protocol/channel.h"
#include "restore/seed.h"

namespace appshot {

// `serve` is what such a fork does, with the channel that came for it.
int serve_as_seed(const std::string& image, Channel control, MachineGuards guards,
                  int (*serve)(Channel, Seed*, MachineGuards));

}  // namespace appshot
