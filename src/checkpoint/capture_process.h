// One frozen process becomes one record: what can be seen of it. What only the process itself can
// tell is asked by process_questions.h.
#pragma once

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/file_table.h"
#include "resources/process_source.h"
#include "trace/frozen_application.h"

namespace appshot {

// What the thread that traces it can see: who it is, and its threads.
Result<> capture_held(const InstanceView& instance, FrozenProcess& frozen,
                      const ProcessSource& source, image::ProcessT& record);

// What anybody can see: its surroundings, memory and files. May be done while it is being asked.
// When both are done: of threads that share them with no other.
Result<> capture_own_parts(CaptureContext& context, const FrozenProcess& frozen,
                           const ProcessSource& source, image::ProcessT& record);
Result<> capture_seen(CaptureContext& context, FileTable& files, const ProcessSource& source,
                      image::ProcessT& record);

}  // namespace appshot
