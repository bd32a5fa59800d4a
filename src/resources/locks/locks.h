// File locks: flock, open-file and leases belong to a description, POSIX ones to a process.
#pragma once

#include <vector>

#include "base/result.h"
#include "image/schema/values.h"

namespace appshot::locks {

// "lock:" lines of a descriptor's fdinfo.
std::vector<std::unique_ptr<image::LockT>> parse(const std::string& fdinfo);
bool belongs_to_process(const image::LockT& lock);

Result<> take(int fd, const image::LockT& lock);

}  // namespace appshot::locks
