#include "node/harness_link.h"

#include "node/log.h"
#include "protocol/messages.h"

namespace appshot {
namespace {

Error harness_gone() { return Error(ErrorClass::gone, "its harness has ended"); }

}  // namespace

Result<Json> HarnessLink::call(std::string_view op, Json arguments,
                               std::optional<Deadline> deadline, std::span<const int> fds,
                               const ProgressListener& progress) {
  int64_t id = TRY(ask(op, std::move(arguments), fds));
  return await(id, deadline, progress);
}

Result<int64_t> HarnessLink::ask(std::string_view op, Json arguments, std::span<const int> fds) {
  int64_t id;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return harness_gone();
    id = ++last_id_;
    waiting_[id];
  }
  std::lock_guard sending(send_mutex_);
  Result<> sent = channel_.send(make_request(id, op, std::move(arguments)), fds);
  if (sent) return id;
  std::lock_guard lock(mutex_);
  waiting_.erase(id);
  if (sent.error().cls() == ErrorClass::gone) return harness_gone();
  return sent.take_error();
}

Result<Json> HarnessLink::await(int64_t id, std::optional<Deadline> deadline,
                                const ProgressListener& progress) {
  std::unique_lock lock(mutex_);
  std::deque<Json>& packets = waiting_[id];
  for (;;) {
    auto ready = [&] { return closed_ || !packets.empty(); };
    if (!deadline) {
      changed_.wait(lock, ready);
    } else if (!changed_.wait_for(lock, std::chrono::milliseconds(deadline->left_ms()), ready)) {
      waiting_.erase(id);
      return Error(ErrorClass::timeout, "its harness does not answer");
    }
    if (packets.empty()) {
      waiting_.erase(id);
      return harness_gone();
    }
    Json packet = std::move(packets.front());
    packets.pop_front();
    if (packet.contains("ok")) {
      waiting_.erase(id);
      return answer_result(packet);
    }
    lock.unlock();
    if (progress) progress(field(packet, "progress"));
    lock.lock();
  }
}

bool HarnessLink::closed() const {
  std::lock_guard lock(mutex_);
  return closed_ || channel_.peer_has_closed();
}

bool HarnessLink::wait_closed(Deadline deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::milliseconds(deadline.left_ms()),
                           [&] { return closed_; });
}

bool HarnessLink::readable() {
  auto packet = channel_.receive(Deadline::in(std::chrono::milliseconds(0)));
  if (packet && packet->has_value()) {
    dispatch(std::move((*packet)->document));
    return true;
  }
  if (!packet && packet.error().cls() == ErrorClass::timeout) return true;
  if (!packet) log_warning("harness connection: " + packet.error().message());
  listener_.on_closed();
  std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
  return false;
}

void HarnessLink::dispatch(Json packet) {
  if (packet.contains("event")) return listener_.on_event(packet);
  std::lock_guard lock(mutex_);
  auto found = waiting_.find(int_at(packet, "id", -1));
  if (found == waiting_.end()) return;  // whoever asked has given up
  found->second.push_back(std::move(packet));
  changed_.notify_all();
}

}  // namespace appshot
