// The settings of a network namespace: files below /proc/sys/net, and what is in them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace appshot::networks {

using Settings = std::map<std::string, std::string>;

// The calling thread's.
Settings read_settings();

// Those that a restore has to tell a new one. `cable`: the device that will be there already.
Settings differences(const Settings& own, const Settings& of_new, const std::string& cable);

// Tells the calling thread's namespace those that are otherwise there.
Result<> restore(const Settings& wanted);

}  // namespace appshot::networks
