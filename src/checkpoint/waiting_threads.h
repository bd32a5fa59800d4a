// Threads that wait in the kernel for a child between vfork and exec. They come to no stop, so what
// they are is read from the kernel's memory (os/kernel_thread.h), and so is what belongs to their
// process when it has no other thread that could be asked.
#pragma once

#include <vector>

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/process_source.h"
#include "trace/frozen_application.h"

namespace appshot::waiting {

// Whether it can be.
bool can_be_read(const InstanceView& instance);

// When all others have been asked. The records of the processes are in their order.
Result<> complete(CaptureContext& context, FrozenApplication& frozen,
                  const std::vector<ProcessSource>& sources);

}  // namespace appshot::waiting
