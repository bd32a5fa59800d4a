// Processes that outlive the daemon's memory of them: a pid alone may have been given to another.
#pragma once

#include <sys/types.h>

#include "registry/records.h"

namespace appshot {

// Start time 0 when there is no such process.
ProcessIdentity identify_process(pid_t pid);
// Still that process, and not a zombie.
bool is_running(const ProcessIdentity& process);

}  // namespace appshot
