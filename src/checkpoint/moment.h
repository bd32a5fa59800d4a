// One moment of a whole application, held, and what its processes look like in it.
#pragma once

#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "resources/instance_view.h"
#include "resources/mounts/seen_mounts.h"
#include "resources/obstacles.h"
#include "resources/process_source.h"
#include "trace/frozen_application.h"

namespace appshot {

struct Moment {
  FrozenApplication frozen;
  std::vector<ProcessSource> sources{};  // of its processes, in their order
  mounts::SeenMounts mounts{};
};

// A moment that can be captured; else everything runs on, and the error names every obstacle.
Result<Moment> hold_moment(const InstanceView& instance, FrozenApplication::Afterwards afterwards,
                           Deadline deadline);

// The application stands still, and no program will be able to tell; without a look at it.
Result<FrozenApplication> freeze_unseen(const InstanceView& instance, Deadline deadline);

// How obstacles are told.
Error refusal(const Obstacles& obstacles);

}  // namespace appshot
