// Contexts for asynchronous input and output (io_setup), of which their owner can ask nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "os/kernel_view.h"

namespace appshot {

struct AioContext {
  uint64_t address = 0;    // by which its owner knows it, and where its ring is mapped
  uint32_t wanted = 0;     // events, as io_setup was asked for
  uint64_t in_flight = 0;  // requests that have not ended
  bool waits = false;      // one of them for something that may never happen (IOCB_CMD_POLL)
};

// Of the memory behind a descriptor of /proc/PID/mem. What is in flight may end meanwhile.
Result<std::vector<AioContext>> aio_contexts(KernelView& kernel, int memory);

}  // namespace appshot
