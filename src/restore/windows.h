// Makes the memory of every process of an image, each mapping in its window, in the calling process
// (the instance's init); the processes it then forks take theirs to its place. What comes in later
// stays empty.
#pragma once

#include "base/result.h"
#include "resources/restore_context.h"
#include "restore/lazy_memory.h"
#include "restore/memory_layout.h"

namespace appshot {

Result<> make_windows(RestoreContext& context, const MemoryLayout& layout, const LazyMemory& lazy);

}  // namespace appshot
