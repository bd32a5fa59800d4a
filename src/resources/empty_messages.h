// Empty messages in a queue of a socket. The kernel marks one that has been looked at, and passes
// over it when somebody walks through the queue again: so each snapshot of a running application
// remembers for the next one what it has seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace appshot {

struct SeenMessage {
  size_t bytes = 0;
  std::vector<uint8_t> from;
};
// By the socket's inode; only queues that held an empty one.
using SeenQueues = std::map<uint64_t, std::vector<SeenMessage>>;

// What a walk has met, with those put in again that it passed over. `first_is_empty`: whether the
// queue begins with an empty one, which can be told.
std::vector<SeenMessage> with_passed_over(const std::vector<SeenMessage>& seen, bool first_is_empty,
                                          const std::vector<SeenMessage>& met);

// `queue` is all of it.
void remember(SeenQueues& queues, uint64_t inode, const std::vector<SeenMessage>& queue);

}  // namespace appshot
