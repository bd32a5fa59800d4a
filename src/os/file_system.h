// What kind of file system something lies on.
#pragma once

#include <string>

#include "base/result.h"

namespace appshot {

// Whether a write that succeeds has its room on the disk for certain. Others (of the network, say)
// may tell only when they are synced that they were full.
Result<bool> reserves_room_when_written(const std::string& path);

}  // namespace appshot
