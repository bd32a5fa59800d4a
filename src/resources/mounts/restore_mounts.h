// Makes again what the application has mounted, inside the new instance's init.
#pragma once

#include "base/result.h"
#include "resources/restore_context.h"

namespace appshot::mounts {

// When the instance's own files are there, and before anything of the application is opened.
Result<> make_all(RestoreContext& context);

}  // namespace appshot::mounts
