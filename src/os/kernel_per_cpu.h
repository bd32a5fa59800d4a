// Where the kernel keeps what it has once for each processor.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "os/kernel_view.h"

namespace appshot {

// What to add to such an address, for each processor there may be.
Result<std::vector<uint64_t>> per_cpu_offsets(KernelView& kernel);

}  // namespace appshot
