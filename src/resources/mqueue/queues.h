// POSIX message queues themselves: names, attributes, messages, and who is to be notified. Their
// descriptors are a kind of file (mqueue.h); a queue without a name exists only for those.
#pragma once

#include <sys/stat.h>

#include <set>
#include <string>

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/restore_context.h"

namespace appshot::mqueues {

// `path` leads to the queue (by a descriptor or in a mounted mqueue file system), `name` is
// "/name". Returns its index in Image.message_queues.
Result<int> capture_queue(CaptureContext& context, const std::string& path, const std::string& name,
                          const struct stat& info);

// Called inside the IPC namespace `space` (of Image.namespaces; -1: the instance's own), after all
// descriptors: the queues that nobody has open.
Result<> capture_queues(CaptureContext& context, int space);
// By which the queues of the namespace that we are in are known.
Result<uint64_t> device_of_queues();
// When all namespaces have been: what is open, and in none of those devices.
void find_unreachable(CaptureContext& context, const std::set<uint64_t>& devices);

// Makes the queues of all namespaces, and every open file of them
// (RestoreContext.message_queue_files).
Result<> restore_queues(RestoreContext& context);

}  // namespace appshot::mqueues
