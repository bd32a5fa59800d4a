// Which devices an instance may make and open: those that every program needs and that reach
// nothing of the machine.
#pragma once

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

// A program that the kernel asks (isolation/machine_guards.h). Class unsupported where it runs
// none.
Result<UniqueFd> load_device_guard();

}  // namespace appshot
