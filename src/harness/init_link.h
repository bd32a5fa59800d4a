// The harness's talk with the instance's init: requests with their answers, and what init tells
// unasked, kept in order until it is taken.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "base/result.h"
#include "protocol/channel.h"

namespace appshot {

class InitLink {
 public:
  InitLink() = default;
  explicit InitLink(Channel channel) : channel_(std::move(channel)) {}

  int fd() const { return channel_.fd(); }
  explicit operator bool() const { return static_cast<bool>(channel_); }

  Result<Packet> ask(const Json& request, std::span<const int> fds = {});
  // Something that it told has been received already: its descriptor will not tell of it.
  bool has_events() const { return !events_.empty(); }
  // The next thing it told; none when nothing waits. Class gone when init has died.
  Result<std::optional<Json>> next_event();

 private:
  Channel channel_;
  std::deque<Json> events_;
};

}  // namespace appshot
