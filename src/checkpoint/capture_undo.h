// Asks every process what its end will undo on the semaphore sets of the image (SEM_UNDO).
#pragma once

#include "base/deadline.h"
#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/process_source.h"
#include "trace/frozen_application.h"

namespace appshot {

// When the sets have been captured; does nothing when there are none.
Result<> capture_sem_undo(CaptureContext& context, FrozenApplication& frozen,
                          const std::vector<ProcessSource>& sources, Deadline deadline);

}  // namespace appshot
