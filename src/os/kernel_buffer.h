// The bytes of one buffer of the network (sk_buff): they lie behind one another first, in pages
// then, and in further buffers that are chained to it at last.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "os/kernel_pages.h"
#include "os/kernel_view.h"

namespace appshot {

Result<std::vector<uint8_t>> read_buffer(KernelView& kernel, KernelPages& pages, uint64_t buffer);

// The same of a packet that has been received, from its IP header on: what has been read of it
// already stands before what the buffer still says it holds. Empty: it is of none.
Result<std::vector<uint8_t>> read_packet(KernelView& kernel, KernelPages& pages, uint64_t buffer);

}  // namespace appshot
