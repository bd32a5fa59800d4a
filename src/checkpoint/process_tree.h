// Parents, zombies and order: the processes of an application as a tree, parents before children.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/instance_view.h"

namespace appshot {

// Fills in parents as the instance's own /proc tells them, adds the dead that nobody has waited for
// yet (no cgroup lists them), and sorts.
Result<> complete_tree(const InstanceView& instance,
                       std::vector<std::unique_ptr<image::ProcessT>>& processes);

}  // namespace appshot
