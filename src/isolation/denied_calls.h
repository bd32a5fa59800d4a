// System calls an instance is told do not exist, because the kernel lets nobody see afterwards what
// they have set up: io_uring (its ring may outlive every descriptor) and Landlock.
#pragma once

#include "base/result.h"

namespace appshot {

// For the calling thread and everything it starts; needs CAP_SYS_ADMIN.
Result<> deny_invisible_calls(bool allow_io_uring);

}  // namespace appshot
