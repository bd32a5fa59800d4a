// Makes again what the application has mounted, inside the new instance's init.
#pragma once

#include "base/result.h"
#include "resources/restore_context.h"

namespace appshot::mounts {

// When the instance's own files are there, and before anything of the application is opened.
Result<> make_all(RestoreContext& context);

// The /proc of a pid namespace of the application's own can only be made by who lives there, and so
// comes last, with all that is mounted on it. By a process that does and ends then.
Result<> mount_processes_child(const RestoreContext& context, int space);

}  // namespace appshot::mounts
