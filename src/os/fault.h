// Named places where a test can make things go wrong: APPSHOT_FAULT=NAME:ACTION[,…], with ACTION an
// errno name (ENOSPC, EIO, ENOMEM …: the step fails), or `kill` (this process gets SIGKILL).
// Costs one pointer comparison when the variable is not set.
#pragma once

#include "base/result.h"

namespace appshot {

Result<> fault_point(const char* name);

}  // namespace appshot
