// Which of the kernel's settings (/proc/sys) an instance may change: those of namespaces that are
// its own. Root may write the files of all others, too, whichever capabilities it lacks.
#pragma once

#include "base/result.h"
#include "isolation/share.h"

namespace appshot {

// For everybody in a folder of cgroup v2 and below it, for as long as that exists, wherever /proc
// is mounted. Class unsupported where the kernel runs no such program.
Result<> allow_own_settings(int cgroup, const Share& share);

}  // namespace appshot
