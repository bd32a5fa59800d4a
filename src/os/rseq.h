// The C library registers a piece of thread memory with the kernel, which writes to it at every
// switch. A process that is about to give up that memory takes the registration back first.
#pragma once

#include "base/result.h"

namespace appshot {

Result<> unregister_rseq();

}  // namespace appshot
