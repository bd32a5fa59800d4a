#include "resources/unix_sockets/empty_messages.h"

#include <algorithm>

namespace appshot::unix_sockets {
namespace {

// What was seen from there on, without the empty ones, is what the queue begins with now.
bool begins_with(const Messages& messages, const std::vector<SeenMessage>& seen, size_t from) {
  auto at = messages.begin();
  for (size_t i = from; i < seen.size(); ++i) {
    if (seen[i].bytes == 0) continue;
    if (at == messages.end() || (*at)->data.size() != seen[i].bytes) return false;
    ++at;
  }
  return true;
}

}  // namespace

void remember(SeenQueues& queues, uint64_t inode, const Messages& messages) {
  queues.erase(inode);
  if (std::ranges::none_of(messages, [](const auto& message) { return message->data.empty(); }))
    return;
  std::vector<SeenMessage>& seen = queues[inode];
  for (const auto& message : messages) seen.push_back({message->data.size(), message->from});
}

// A queue loses from its front and gains at its end: the old ones that are left are the longest
// rest of what was seen that it can begin with.
void put_in_passed_over(const std::vector<SeenMessage>& seen, bool first_is_empty,
                        Messages& messages) {
  size_t left = 0;
  while (left < seen.size() &&
         !((seen[left].bytes != 0 || first_is_empty) && begins_with(messages, seen, left)))
    ++left;
  auto at = messages.begin();
  for (size_t i = left; i < seen.size(); ++i) {
    if (seen[i].bytes == 0) {
      auto empty = std::make_unique<image::UnixMessageT>();
      empty->from = seen[i].from;
      at = messages.insert(at, std::move(empty));
    }
    ++at;
  }
}

}  // namespace appshot::unix_sockets
