// Everything that has happened on this node: kept in the registry, told at once to who follows.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "os/unique_fd.h"
#include "protocol/json.h"
#include "registry/registry.h"

namespace appshot {

int64_t unix_time_ms();

Json event_to_json(const EventRecord& event);

// Events from its making on. fd() is readable while there are some to take.
class EventSubscription {
 public:
  EventSubscription();
  int fd() const { return fd_.get(); }
  std::vector<EventRecord> take();

 private:
  friend class EventLog;
  void put(const EventRecord& event);

  UniqueFd fd_;
  std::mutex mutex_;
  std::vector<EventRecord> events_;
};

// Threads: any. Failure: an event that cannot be stored is logged and still told to followers.
class EventLog {
 public:
  explicit EventLog(Registry& registry) : registry_(registry) {}

  void add(const std::string& aid, std::string_view kind, std::string_view text,
           const Json& details = Json::object());
  Result<std::vector<EventRecord>> recent(int64_t after, int64_t limit, const std::string& aid) {
    return registry_.events(after, limit, aid);
  }
  std::shared_ptr<EventSubscription> subscribe();

 private:
  Registry& registry_;
  std::mutex mutex_;
  std::list<std::weak_ptr<EventSubscription>> subscriptions_;
};

}  // namespace appshot
