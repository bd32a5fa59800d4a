// Makes the memory of every process of an image, each mapping in its window, in the calling process
// (the instance's init); the processes it then forks take theirs to its place. What comes in later
// stays empty. What a seed holds for many instances it makes ahead of them.
#pragma once

#include "base/result.h"
#include "resources/restore_context.h"
#include "restore/lazy_memory.h"
#include "restore/memory_layout.h"

namespace appshot {

// Common: of memory that belongs to nothing but a process, the same for all instances of an image.
// Own: of what an instance makes anew, files and shared memory.
enum class Windows { all, common, own };

Result<> make_windows(RestoreContext& context, const MemoryLayout& layout, const LazyMemory& lazy,
                      Windows which = Windows::all);

}  // namespace appshot
