// SysV shared memory segments, with their ids; what is in them is one of Image.shared_memory.
#pragma once

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/restore_context.h"

namespace appshot::ipc {

// After all memory was captured: segments that someone has attached are in the image already.
Result<> capture_shm(CaptureContext& context, int space);
// Somebody has one attached of a namespace that is nobody's any more.
Result<> find_unreachable_shm(CaptureContext& context);

Result<> restore_shm(RestoreContext& context, int space);
// Attaches it where a window is, so that it counts as the attachment it was. In its namespace.
Result<> attach_window(const image::SharedMemoryT& object, const image::MappingT& mapping,
                       uint64_t window);
// When everyone who has a segment has it again: those that were removed meanwhile are removed.
Result<> remove_destroyed_shm(RestoreContext& context, int space);

}  // namespace appshot::ipc
