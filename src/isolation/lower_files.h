// What lies below an instance's own mounts: the host's files, or those of an environment, with the
// private layers over them.
#pragma once

#include "base/result.h"
#include "isolation/file_world.h"

namespace appshot {

// The host's files, with the layers of the environment over each file system.
Result<> make_host_view(const FileWorld& world);
// Only the environment's files.
Result<> make_own_root(const FileWorld& world);

}  // namespace appshot
