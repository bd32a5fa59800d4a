// What the kernel keeps of a socket (struct sock), found from a descriptor, and its queues.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "os/kernel_view.h"

namespace appshot {

// Of a socket that the caller has open.
Result<uint64_t> sock_address(KernelView& kernel, int fd);

// Calls `take` with the address of each buffer of the queue at `head` (sk_buff_head). One that does
// not end is not what it was taken for.
template <typename Take>
Result<> walk_queue(KernelView& kernel, uint64_t head, Take take) {
  constexpr uint32_t kBuffersMax = 1 << 20;
  auto buffer = TRY(kernel.memory.read<uint64_t>(head + kernel.layout.queue_first));
  for (uint32_t i = 0; buffer != head; ++i) {  // the last one leads to the queue again
    if (i == kBuffersMax) return unexpected_memory("a queue");
    TRY(take(buffer));
    buffer = TRY(kernel.memory.read<uint64_t>(buffer + kernel.layout.skb_next));
  }
  return {};
}

}  // namespace appshot
