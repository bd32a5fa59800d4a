// Which devices an instance may make and open: those that every program needs and that reach
// nothing of the machine.
#pragma once

#include "base/result.h"

namespace appshot {

// For everybody in a folder of cgroup v2 and below it, for as long as that exists. Class
// unsupported where the kernel runs no such program.
Result<> allow_harmless_devices(int cgroup);

}  // namespace appshot
