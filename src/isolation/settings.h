// Which of the kernel's settings (/proc/sys) an instance may change: those of namespaces that are
// its own. Root may write the files of all others, too, whichever capabilities it lacks.
#pragma once

#include "base/result.h"
#include "isolation/share.h"
#include "os/unique_fd.h"

namespace appshot {

// A program that the kernel asks, wherever /proc is mounted (isolation/machine_guards.h). Class
// unsupported where it runs none.
Result<UniqueFd> load_settings_guard(const Share& share);

}  // namespace appshot
