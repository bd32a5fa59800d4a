// Which mounts tell one another of what is mounted on them: groups of equals (shared), and those
// that are told by a group and tell nobody of it (slaves).
#pragma once

#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"
#include "resources/restore_context.h"

namespace appshot::mounts {

// When everything is mounted. `mounts`: by Image.mounts, on the root of each. The caller is in the
// workshop.
Result<> restore_propagation(const RestoreContext& context, const std::vector<UniqueFd>& mounts);

}  // namespace appshot::mounts
