// Captures a process's address space: its map, and of each mapping what a fresh one would not have.
#pragma once

#include <memory>

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/capture_context.h"
#include "resources/process_source.h"
#include "trace/remote_memory.h"

namespace appshot::memory {

// What in the map cannot be captured.
void find_obstacles(const ProcessSource& process, Obstacles& obstacles);

Result<std::unique_ptr<image::AddressSpaceT>> capture(CaptureContext& context,
                                                      const ProcessSource& process);

}  // namespace appshot::memory
