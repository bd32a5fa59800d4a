// The daemon's end of one harness connection: requests from any thread, answers to whoever asked,
// events to the one listener.
//
// Death: when the harness closes, every waiting request ends with class gone, and the listener
// hears of it after the last event.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "base/deadline.h"
#include "node/reactor.h"
#include "protocol/channel.h"

namespace appshot {

using ProgressListener = std::function<void(const Json& progress)>;

class HarnessLink : public Watcher {
 public:
  // Both run in the reactor's thread.
  struct Listener {
    std::function<void(const Json& event)> on_event;
    std::function<void()> on_closed;
  };

  HarnessLink(Channel channel, Listener listener)
      : channel_(std::move(channel)), listener_(std::move(listener)) {}

  // Without a deadline it waits as long as the harness lives.
  Result<Json> call(std::string_view op, Json arguments = Json::object(),
                    std::optional<Deadline> deadline = {}, std::span<const int> fds = {},
                    const ProgressListener& progress = {});
  // The two halves of call, to ask several harnesses at once.
  Result<int64_t> ask(std::string_view op, Json arguments, std::span<const int> fds = {});
  Result<Json> await(int64_t id, std::optional<Deadline> deadline,
                     const ProgressListener& progress = {});

  // Also when what was still sent has not been taken yet.
  bool closed() const;
  // False when the deadline passed first.
  bool wait_closed(Deadline deadline);

  int fd() const override { return channel_.fd(); }
  bool readable() override;

 private:
  void dispatch(Json packet);

  Channel channel_;
  const Listener listener_;
  std::mutex send_mutex_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, std::deque<Json>> waiting_;  // what has come for each request
  int64_t last_id_ = 0;
  bool closed_ = false;
};

}  // namespace appshot
