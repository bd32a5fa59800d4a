// What stands in the way of capturing an application, found without disturbing it. The same list is
// the answer of `check` and, when it is not empty, of a refused snapshot.
#pragma once

#include <vector>

#include "base/result.h"
#include "resources/instance_view.h"
#include "resources/obstacles.h"
#include "resources/process_source.h"

namespace appshot {

// Of a running application: nearly one moment.
Result<Obstacles> preflight(const InstanceView& instance);

// Of processes already looked at.
void find_obstacles(const InstanceView& instance, const std::vector<ProcessSource>& processes,
                    Obstacles& obstacles);

}  // namespace appshot
