// Asks every process what its end will undo on the semaphore sets of the image (SEM_UNDO).
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "checkpoint/process_questions.h"
#include "resources/capture_context.h"

namespace appshot {

// When the sets have been captured; does nothing when there are none.
Result<> capture_sem_undo(CaptureContext& context,
                          const std::vector<std::unique_ptr<ProcessQuestions>>& processes);

}  // namespace appshot
