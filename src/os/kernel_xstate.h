// The extended state of a thread (x87, SSE, AVX …) as the kernel keeps it while the thread sleeps,
// made into what PTRACE_GETREGSET would tell.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace appshot {

// Where a component lies in the standard form, and whether it is aligned in the compacted one.
struct XstateComponent {
  uint32_t offset = 0, length = 0;
  bool aligned = false;
};
// By number, as this processor has them; of those that it has not the length is 0.
std::vector<XstateComponent> xstate_components();

// How much of the kernel's is to be read at most: what comes first tells the rest.
constexpr size_t kXstateHeadBytes = 576;
Result<size_t> kept_xstate_bytes(std::span<const uint8_t> head,
                                 const std::vector<XstateComponent>& components);

// `features`: those of which a program may know. `like`: what another thread was told.
Result<std::vector<uint8_t>> told_xstate(std::span<const uint8_t> kept, uint64_t features,
                                         uint32_t protection_keys,
                                         const std::vector<XstateComponent>& components,
                                         std::span<const uint8_t> like);

}  // namespace appshot
