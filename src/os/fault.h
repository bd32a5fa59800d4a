// Named places where a test can make things go wrong: APPSHOT_FAULT=NAME:ACTION[,…], with ACTION an
// errno name (ENOSPC, EIO, ENOMEM …: the step fails), `kill` (this process gets SIGKILL) or `stop`
// (SIGSTOP: it goes on when it is told to). ACTION@N: only the Nth time that a process comes there.
// Costs one pointer comparison when the variable is not set.
#pragma once

#include "base/result.h"

namespace appshot {

Result<> fault_point(const char* name);

}  // namespace appshot
