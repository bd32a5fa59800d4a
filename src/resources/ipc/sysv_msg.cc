#include "resources/ipc/sysv_msg.h"

#include <sys/msg.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "resources/acting.h"
#include "resources/ipc/permissions.h"
#include "resources/raised_setting.h"

namespace appshot::ipc {
namespace {

constexpr int kCopy = 040000;  // MSG_COPY

std::string words(int id) { return "message queue " + std::to_string(id); }

// As msgsnd and msgrcv take it: the type, then the text.
class Buffer {
 public:
  explicit Buffer(size_t size) : bytes_(sizeof(long) + size) {}
  Buffer(long type, const std::vector<uint8_t>& text) : Buffer(text.size()) {
    std::memcpy(bytes_.data(), &type, sizeof type);
    if (!text.empty()) std::memcpy(bytes_.data() + sizeof type, text.data(), text.size());
  }
  void* data() { return bytes_.data(); }
  size_t text_size() const { return bytes_.size() - sizeof(long); }
  long type() const {
    long type;
    std::memcpy(&type, bytes_.data(), sizeof type);
    return type;
  }
  const char* text() const { return bytes_.data() + sizeof(long); }

 private:
  std::vector<char> bytes_;
};

Result<std::unique_ptr<image::SysvQueueT>> capture_queue(int id, const msqid_ds& state) {
  auto queue = std::make_unique<image::SysvQueueT>();
  queue->permissions = describe(state.msg_perm, id);
  queue->bytes_max = state.msg_qbytes;
  Buffer buffer(state.__msg_cbytes);  // no message is larger than all together
  for (msgqnum_t i = 0; i < state.msg_qnum; ++i) {
    ssize_t got = TRY_SYS(
        ::msgrcv(id, buffer.data(), buffer.text_size(), static_cast<long>(i), kCopy | IPC_NOWAIT));
    auto message = std::make_unique<image::SysvMessageT>();
    message->type = buffer.type();
    message->data.assign(buffer.text(), buffer.text() + got);
    queue->messages.push_back(std::move(message));
  }
  return queue;
}

// What must fit at once; a queue may hold more than its limit, which was lowered then.
size_t room_for(const image::SysvQueueT& queue) {
  size_t room = queue.bytes_max;
  size_t used = 0;
  for (const auto& message : queue.messages) used += message->data.size();
  return std::max({room, used, queue.messages.size(), size_t{1}});
}

struct Needed {
  size_t queue = 0, message = 0;
};

Needed needed_by(const image::ImageT& image, int space) {
  Needed needed;
  for (const auto& queue : image.sysv_queues) {
    if (queue->space != space) continue;
    needed.queue = std::max(needed.queue, room_for(*queue));
    for (const auto& message : queue->messages)
      needed.message = std::max(needed.message, message->data.size());
  }
  return needed;
}

int send(int id, long type, const std::vector<uint8_t>& text) {
  Buffer buffer(type, text);
  return ::msgsnd(id, buffer.data(), text.size(), IPC_NOWAIT) == 0 ? 0 : errno;
}

Result<> set_state(const image::SysvQueueT& queue, size_t bytes_max) {
  msqid_ds state{};
  TRY_SYS(::msgctl(queue.permissions->id, IPC_STAT, &state));
  give(*queue.permissions, state.msg_perm);
  state.msg_qbytes = bytes_max;
  TRY_SYS(::msgctl(queue.permissions->id, IPC_SET, &state));
  return {};
}

Result<> restore_queue(const image::SysvQueueT& queue) {
  const image::IpcPermissionsT& permissions = *queue.permissions;
  const int id = permissions.id;
  TRY(make_with_id("msg", permissions, 0, [&] {
    return ::msgget(permissions.key, IPC_CREAT | IPC_EXCL | static_cast<int>(permissions.mode));
  }));
  TRY(set_state(queue, room_for(queue)));
  // Who sent and who received last is what the kernel saw: so it sees it.
  const bool was_used =
      queue.receiver_pid != 0 || (queue.sender_pid != 0 && queue.messages.empty());
  if (was_used) {
    TRY(act_as(queue.sender_pid, [&] { return send(id, 1, {}); }));
    TRY(act_as(queue.receiver_pid, [&] {
      Buffer buffer(0);
      return ::msgrcv(id, buffer.data(), 0, 0, IPC_NOWAIT) == 0 ? 0 : errno;
    }));
  }
  if (!queue.messages.empty())
    TRY(act_as(queue.sender_pid, [&] {
      for (const auto& message : queue.messages)
        if (int failed = send(id, message->type, message->data)) return failed;
      return 0;
    }));
  return set_state(queue, queue.bytes_max);
}

}  // namespace

Result<> capture_msg(CaptureContext& context, int space) {
  msginfo info{};
  int highest = TRY_SYS(::msgctl(0, MSG_INFO, reinterpret_cast<msqid_ds*>(&info)));
  std::vector<std::unique_ptr<image::SysvQueueT>> queues;
  for (int index = 0; index <= highest; ++index) {
    msqid_ds state{};
    int id = ::msgctl(index, MSG_STAT, &state);
    if (id < 0 && (errno == EINVAL || errno == EIDRM)) continue;  // no queue has this index
    if (id < 0) return Error::from_errno(errno, "msgctl(MSG_STAT)");
    queues.push_back(TRY(capture_queue(id, state).within(words(id))));
    queues.back()->space = space;
  }
  std::vector<int> pids = TRY(ask_inside(context.instance.init, 2 * queues.size(), [&](int* out) {
    for (const auto& queue : queues) {
      msqid_ds state{};
      if (::msgctl(queue->permissions->id, IPC_STAT, &state) != 0) continue;
      *out++ = state.msg_lspid;
      *out++ = state.msg_lrpid;
    }
  }));
  for (size_t i = 0; i < queues.size(); ++i) {
    queues[i]->sender_pid = pids[2 * i];
    queues[i]->receiver_pid = pids[2 * i + 1];
  }
  std::ranges::move(queues, std::back_inserter(context.image.sysv_queues));
  return {};
}

Result<> restore_msg(RestoreContext& context, int space) {
  if (context.image.sysv_queues.empty()) return {};
  const Needed needed = needed_by(context.image, space);
  RaisedSetting message_max = TRY(RaisedSetting::at_least("kernel/msgmax", needed.message));
  RaisedSetting queue_max = TRY(RaisedSetting::at_least("kernel/msgmnb", needed.queue));
  for (const auto& queue : context.image.sysv_queues)
    if (queue->space == space) TRY(restore_queue(*queue).within(words(queue->permissions->id)));
  return {};
}

}  // namespace appshot::ipc
