// File locks: flock, open-file and leases belong to a description, POSIX ones to a process.
#pragma once

#include <vector>

#include "base/result.h"
#include "image/schema/values.h"
#include "trace/call_list.h"

namespace appshot::locks {

// "lock:" lines of a descriptor's fdinfo.
std::vector<std::unique_ptr<image::LockT>> parse(const std::string& fdinfo);
bool belongs_to_process(const image::LockT& lock);

// Those of a description.
Result<> take(int fd, const image::LockT& lock);
// Those of a process, when everything else that has to do with descriptors is done: closing any
// descriptor of a file gives up the process's locks on it.
void plan(const image::ProcessT& process, CallList& calls, DataSpace& data);

}  // namespace appshot::locks
