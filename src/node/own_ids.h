// Which ids of the machine an instance with users of its own has (`run --userns`).
#pragma once

#include <cstdint>

#include "base/result.h"
#include "node/node.h"

namespace appshot {

// What root inside will be outside: the first of as many ids as an instance has, none of which any
// other instance or snapshot of this node has, or will have when it is restored. The caller sees to
// it that nobody chooses before it has written down its choice.
Result<uint32_t> choose_own_ids(Node& node);

}  // namespace appshot
