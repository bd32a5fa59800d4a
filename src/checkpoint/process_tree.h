// Parents, zombies and order: the processes of an application as a tree, parents before children.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "resources/capture_context.h"

namespace appshot {

// Fills in parents as the instance's own /proc tells them, adds the dead that nobody has waited for
// yet (no cgroup lists them), and sorts.
Result<> complete_tree(CaptureContext& context);

}  // namespace appshot
