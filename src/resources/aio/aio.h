// Contexts for asynchronous input and output (io_setup): made again as fresh ones at their old
// addresses, with what has ended and nobody has taken. What is under way ends by itself, or there
// is no telling when.
#pragma once

#include <vector>

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/instance_view.h"
#include "resources/obstacles.h"
#include "resources/process_source.h"

namespace appshot::aio {

// Of what stands still a disk may still have something to do for a moment.
enum class Moment { running, frozen };
Result<> find_obstacles(const InstanceView& instance, const std::vector<ProcessSource>& processes,
                        Moment moment, Obstacles& obstacles);

// Into the records of the rings.
Result<> capture(const InstanceView& instance, const ProcessSource& process,
                 image::AddressSpaceT& space);

}  // namespace appshot::aio
