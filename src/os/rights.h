// What a process that handles bytes of others gives up for good.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace appshot {

// Of all capabilities the calling process keeps those of the mask (1 << CAP_…), and whatever it
// executes can have no more. For a process of one thread.
Result<> keep_only_rights(uint64_t mask);

}  // namespace appshot
