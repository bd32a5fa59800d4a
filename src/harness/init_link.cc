#include "harness/init_link.h"

#include <poll.h>

#include "protocol/error_json.h"

namespace appshot {
namespace {

constexpr std::chrono::seconds kAnswerMax{30};

}  // namespace

Result<Packet> InitLink::ask(const Json& request, std::span<const int> fds) {
  Deadline deadline = Deadline::in(kAnswerMax);
  TRY(channel_.send(request, fds, deadline));
  for (;;) {
    std::optional<Packet> packet = TRY(channel_.receive(deadline));
    if (!packet) return Error(ErrorClass::gone, "the instance's init has died");
    if (packet->document.contains("event")) {
      events_.push_back(std::move(packet->document));
      continue;
    }
    if (!bool_at(packet->document, "ok")) {
      Error error = error_from_json(field(packet->document, "error"));
      return std::move(error).with_errno(static_cast<int>(int_at(packet->document, "errno")));
    }
    return std::move(*packet);
  }
}

Result<std::optional<Json>> InitLink::take_event(
    const std::function<bool(const Json& event)>& which) {
  std::deque<Json> others;
  std::optional<Json> found;
  while (!found) {
    std::optional<Json> event = TRY(next_event());
    if (!event) break;
    if (which(*event))
      found = std::move(event);
    else
      others.push_back(*std::move(event));
  }
  events_.insert(events_.begin(), others.begin(), others.end());
  return found;
}

void InitLink::tell_again(InitLink& before) {
  events_.insert(events_.begin(), before.events_.begin(), before.events_.end());
  before.events_.clear();
}

Result<std::optional<Json>> InitLink::next_event() {
  if (events_.empty()) {
    pollfd state{channel_.fd(), POLLIN, 0};
    if (::poll(&state, 1, 0) <= 0) return std::optional<Json>();
    std::optional<Packet> packet = TRY(channel_.receive(Deadline::in(std::chrono::seconds(1))));
    if (!packet) return Error(ErrorClass::gone, "the instance's init has ended");
    return std::optional<Json>(std::move(packet->document));
  }
  Json event = std::move(events_.front());
  events_.pop_front();
  return std::optional<Json>(std::move(event));
}

}  // namespace appshot
