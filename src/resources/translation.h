// A connection whose ends see one another by other names than they have, because packet filters
// translate; told by the track that the kernel keeps of it (nf_conntrack).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "resources/inet.h"

namespace appshot {

// Who calls, whom he believes to call, who is called, and who seems to call him.
struct Translation {
  InetName caller, called, callee, calling;
};

// `track` is what stands behind the header of a message. Nothing: it is no TCP connection, or
// nothing of it is translated.
std::optional<Translation> translation_of_tcp(std::span<const uint8_t> track);

}  // namespace appshot
