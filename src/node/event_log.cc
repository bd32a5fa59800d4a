#include "node/event_log.h"

#include <sys/eventfd.h>

#include <chrono>

#include "node/log.h"

namespace appshot {

int64_t unix_time_ms() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

Json event_to_json(const EventRecord& event) {
  Result<Json> details = parse_json(event.details);
  return {{"seq", event.seq},   {"time_ms", event.time_ms},
          {"aid", event.aid},   {"kind", event.kind},
          {"text", event.text}, {"details", details ? *details : Json::object()}};
}

EventSubscription::EventSubscription() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

std::vector<EventRecord> EventSubscription::take() {
  std::lock_guard lock(mutex_);
  eventfd_t count;
  ::eventfd_read(fd_.get(), &count);
  return std::move(events_);
}

void EventSubscription::put(const EventRecord& event) {
  std::lock_guard lock(mutex_);
  events_.push_back(event);
  ::eventfd_write(fd_.get(), 1);
}

void EventLog::add(const std::string& aid, std::string_view kind, std::string_view text,
                   const Json& details) {
  EventRecord event{
      0, unix_time_ms(), aid, std::string(kind), std::string(text), json_text(details)};
  // One lock over both, so that followers hear events in the order of their numbers.
  std::lock_guard lock(mutex_);
  Result<int64_t> seq = registry_.append_event(event);
  if (seq) {
    event.seq = *seq;
  } else {
    log_error("event lost: " + event.text + ": " + seq.error().message());
  }
  for (auto it = subscriptions_.begin(); it != subscriptions_.end();) {
    std::shared_ptr<EventSubscription> subscription = it->lock();
    if (!subscription) {
      it = subscriptions_.erase(it);
      continue;
    }
    subscription->put(event);
    ++it;
  }
}

std::shared_ptr<EventSubscription> EventLog::subscribe() {
  auto subscription = std::make_shared<EventSubscription>();
  std::lock_guard lock(mutex_);
  subscriptions_.push_back(subscription);
  return subscription;
}

}  // namespace appshot
