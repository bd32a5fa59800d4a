// What stands in the way of capturing an application, found without disturbing it. The same list is
// the answer of `check` and, when it is not empty, of a refused snapshot.
#pragma once

#include <vector>

#include "base/result.h"
#include "resources/instance_view.h"
#include "resources/mounts/seen_mounts.h"
#include "resources/obstacles.h"
#include "resources/process_source.h"

namespace appshot {

// Of a running application: nearly one moment. Who waits in vfork all the time is no obstacle; that
// there is somebody is told by Obstacles::at_vfork().
Result<Obstacles> preflight(const InstanceView& instance);

struct Seen {
  std::vector<ProcessSource> sources;
  mounts::SeenMounts mounts;
};
// Looks at processes that stand still, each through a thread of it, and at what they have mounted.
Result<Seen> look_at_all(const InstanceView& instance, const std::vector<HostPid>& threads,
                         Obstacles& obstacles);

// By a process that is not of the application; we ourselves do not count.
bool is_traced_from_outside(const InstanceView& instance, const proc::Fields& status);

}  // namespace appshot
