// The harness's talk with the instance's init: requests with their answers, and what init tells
// unasked, kept in order until it is taken.
#pragma once

#include <deque>
#include <functional>
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
  // Of those that it has told until now the first of which that is true; the others stay.
  Result<std::optional<Json>> take_event(const std::function<bool(const Json& event)>& which);

  // Another's talk, which goes on here: the channel, and what was told meanwhile.
  Channel release() { return std::move(channel_); }
  void tell_again(InitLink& before);

 private:
  Channel channel_;
  std::deque<Json> events_;
};

}  // namespace appshot
