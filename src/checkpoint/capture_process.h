// One frozen process becomes one record: what /proc and ptrace show of it. What only the process
// itself can tell is asked by process_questions.h.
#pragma once

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/file_table.h"
#include "resources/process_source.h"
#include "trace/frozen_application.h"

namespace appshot {

Result<std::unique_ptr<image::ProcessT>> capture_process(CaptureContext& context, FileTable& files,
                                                         FrozenProcess& frozen,
                                                         const ProcessSource& source);

}  // namespace appshot
