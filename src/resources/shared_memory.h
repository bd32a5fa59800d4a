// Memory objects that several mappings, descriptors or SysV attachments share: captured once, made
// once in the new instance's init.
#pragma once

#include <sys/stat.h>

#include <string>

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/restore_context.h"

namespace appshot {

// `fd` is open on the object, `link` is what /proc calls it. Returns its index.
Result<int> capture_shared_memory(CaptureContext& context, int fd, const std::string& link);

// Of an object that `link` leads to: nothing else has the same.
Result<MemoryTracks::Identity> shared_memory_identity(int fd, const std::string& link,
                                                      const struct stat& info);

bool is_shared_memory_link(const std::string& link);

// Makes all objects of the image but SysV ones (those are made with their ids); seals come last,
// when everything that needs to write or map them has done so.
Result<> make_shared_memory(RestoreContext& context);
Result<> seal_shared_memory(RestoreContext& context);

// Fills an object from the image; `fd` open for writing.
Result<> fill_shared_memory(const RestoreContext& context, const image::SharedMemoryT& object,
                            int fd);

}  // namespace appshot
