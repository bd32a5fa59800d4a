// Empty messages in a queue. The kernel marks one that has been looked at, and passes over it when
// somebody walks through the queue again: so each snapshot of a running application remembers
// for the next one what it has seen.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "image/schema/values.h"

namespace appshot::unix_sockets {

using Messages = std::vector<std::unique_ptr<image::UnixMessageT>>;

struct SeenMessage {
  size_t bytes = 0;
  std::vector<uint8_t> from;
};
// By the socket's inode; only queues that held an empty one.
using SeenQueues = std::map<uint64_t, std::vector<SeenMessage>>;

void remember(SeenQueues& queues, uint64_t inode, const Messages& messages);

// Puts those in again that the walk passed over. `first_is_empty`: whether the queue begins with
// one, which can be told.
void put_in_passed_over(const std::vector<SeenMessage>& seen, bool first_is_empty,
                        Messages& messages);

}  // namespace appshot::unix_sockets
