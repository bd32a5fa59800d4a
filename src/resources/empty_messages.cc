#include "resources/empty_messages.h"

#include <algorithm>

namespace appshot {
namespace {

// What was seen from there on, without the empty ones, is what the queue begins with now.
bool begins_with(const std::vector<SeenMessage>& met, const std::vector<SeenMessage>& seen,
                 size_t from) {
  auto at = met.begin();
  for (size_t i = from; i < seen.size(); ++i) {
    if (seen[i].bytes == 0) continue;
    if (at == met.end() || at->bytes != seen[i].bytes) return false;
    ++at;
  }
  return true;
}

}  // namespace

// A queue loses from its front and gains at its end: the old ones that are left are the longest
// rest of what was seen that it can begin with.
std::vector<SeenMessage> with_passed_over(const std::vector<SeenMessage>& seen, bool first_is_empty,
                                          const std::vector<SeenMessage>& met) {
  size_t left = 0;
  while (left < seen.size() &&
         !((seen[left].bytes != 0 || first_is_empty) && begins_with(met, seen, left)))
    ++left;
  std::vector<SeenMessage> queue(seen.begin() + static_cast<ptrdiff_t>(left), seen.end());
  const auto old = std::ranges::count_if(queue, [](const auto& one) { return one.bytes != 0; });
  queue.insert(queue.end(), met.begin() + old, met.end());
  return queue;
}

void remember(SeenQueues& queues, uint64_t inode, const std::vector<SeenMessage>& queue) {
  queues.erase(inode);
  if (std::ranges::any_of(queue, [](const auto& message) { return message.bytes == 0; }))
    queues[inode] = queue;
}

}  // namespace appshot
