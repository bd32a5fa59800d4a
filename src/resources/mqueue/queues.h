// POSIX message queues themselves: names, attributes, messages, and who is to be notified. Their
// descriptors are a kind of file (mqueue.h); a queue without a name exists only for those.
#pragma once

#include <sys/stat.h>

#include <string>

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/restore_context.h"

namespace appshot::mqueues {

// `path` leads to the queue (by a descriptor or in a mounted mqueue file system), `name` is
// "/name". Returns its index in Image.message_queues.
Result<int> capture_queue(CaptureContext& context, const std::string& path, const std::string& name,
                          const struct stat& info);

// Called inside the instance's IPC namespace, after all descriptors: the queues that nobody has
// open.
Result<> capture_queues(CaptureContext& context);

// Makes the queues, and every open file of them (RestoreContext.message_queue_files).
Result<> restore_queues(RestoreContext& context);

}  // namespace appshot::mqueues
