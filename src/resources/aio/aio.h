// Contexts for asynchronous input and output (io_setup) in which nothing is under way: made again
// as fresh ones at their old addresses.
#pragma once

#include <vector>

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/instance_view.h"
#include "resources/obstacles.h"
#include "resources/process_source.h"

namespace appshot::aio {

// Requests end by themselves, and somebody takes the news of it: both may pass.
Result<> find_obstacles(const InstanceView& instance, const std::vector<ProcessSource>& processes,
                        Obstacles& obstacles);

// Into the records of the rings: for how many events their contexts were made.
Result<> capture(const InstanceView& instance, const ProcessSource& process,
                 image::AddressSpaceT& space);

}  // namespace appshot::aio
