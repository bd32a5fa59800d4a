#include "resources/mqueue/queues.h"

#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <algorithm>

#include "os/file.h"
#include "os/proc/process_dir.h"
#include "resources/mqueue/messages.h"
#include "resources/mqueue/status.h"
#include "resources/raised_setting.h"

namespace appshot::mqueues {
namespace {

// The mqueue file system of the namespace we are in, whatever the application has made of
// /dev/mqueue.
Result<UniqueFd> open_file_system() {
  UniqueFd system(TRY_SYS(::fsopen("mqueue", FSOPEN_CLOEXEC)));
  TRY_SYS(::fsconfig(system.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0));
  return UniqueFd(TRY_SYS(::fsmount(system.get(), FSMOUNT_CLOEXEC, 0)));
}

Result<> capture_notification(CaptureContext& context, const MqStatus& status, long messages,
                              image::MessageQueueT& queue) {
  if (status.notify_pid == 0) return {};
  std::string where = "message queue " + queue.name;
  if (status.notify == SIGEV_THREAD) {
    context.obstacles.add(where + " will start a thread on a message (mq_notify with SIGEV_THREAD)",
                          "use SIGEV_SIGNAL, or end the notification first");
    return {};
  }
  if (messages > 0) {
    // They could be read only by receiving them, and sending them back would notify.
    context.obstacles.add(
        where + " holds messages while a process waits to be notified (mq_notify)",
        "receive the messages, or end the notification first");
    return {};
  }
  proc::ProcessDir dir = TRY(proc::ProcessDir::open(HostPid{status.notify_pid}));
  queue.notify_pid = proc::id_inside(TRY(dir.status()), "NStgid");
  queue.notify = status.notify;
  queue.notify_signal = status.signal;
  return {};
}

// They are the host's, and stay where they are.
bool are_shared(const image::ImageT& image, int space) {
  return space < 0 && std::find(image.share.begin(), image.share.end(), "ipc") != image.share.end();
}

// We ourselves live in the host's namespace.
Result<bool> is_of_host(const CaptureContext& context, uint64_t device) {
  return context.instance.share.ipc && TRY(device_of_queues()) == device;
}

// Queues are accounted to users; what fitted once should fit again, whatever our own limit is.
class RaisedLimit {
 public:
  RaisedLimit() {
    if (::getrlimit(RLIMIT_MSGQUEUE, &before_) != 0) return;
    rlimit all{RLIM_INFINITY, RLIM_INFINITY}, most{before_.rlim_max, before_.rlim_max};
    if (::setrlimit(RLIMIT_MSGQUEUE, &all) != 0) (void)!::setrlimit(RLIMIT_MSGQUEUE, &most);
  }
  RaisedLimit(const RaisedLimit&) = delete;
  RaisedLimit& operator=(const RaisedLimit&) = delete;
  ~RaisedLimit() { (void)!::setrlimit(RLIMIT_MSGQUEUE, &before_); }

 private:
  rlimit before_{};
};

struct Needed {
  uint64_t messages = 0, size = 0;
};

Needed needed_by(const image::ImageT& image, int space) {
  Needed needed;
  for (const auto& queue : image.message_queues) {
    if (queue->space != space) continue;
    needed.messages = std::max(needed.messages, static_cast<uint64_t>(queue->messages_max));
    needed.size = std::max(needed.size, static_cast<uint64_t>(queue->message_size));
  }
  return needed;
}

Result<> make_queue(const image::MessageQueueT& queue) {
  mq_attr attributes{};
  attributes.mq_maxmsg = queue.messages_max;
  attributes.mq_msgsize = queue.message_size;
  // In a namespace that belongs to a user namespace only somebody with a name there can be the
  // maker.
  ::setfsgid(queue.gid);
  ::setfsuid(queue.uid);
  const int made = ::mq_open(queue.name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK | O_CLOEXEC,
                             0600, &attributes);
  const int error = errno;
  ::setfsuid(0);
  ::setfsgid(0);
  if (made < 0) return Error::from_errno(error, "mq_open " + queue.name);
  const UniqueFd fd(made);
  TRY_SYS(::fchown(fd.get(), queue.uid, queue.gid));
  TRY_SYS(::fchmod(fd.get(), queue.mode & 07777));
  for (const auto& message : queue.messages)
    TRY_SYS(::mq_send(fd.get(), reinterpret_cast<const char*>(message->data.data()),
                      message->data.size(), message->priority));
  return {};
}

Result<> open_descriptions(RestoreContext& context, int index, const image::MessageQueueT& queue) {
  for (const auto& file : context.image.open_files) {
    if (file->kind.type != image::FileKind::MessageQueueFile ||
        file->kind.AsMessageQueueFile()->queue != index)
      continue;
    int flags = static_cast<int>(file->flags) & (O_ACCMODE | O_NONBLOCK);
    // Closed by exec in any case; O_CLOEXEC would stay among the file's own flags.
    UniqueFd fd(TRY_SYS(::mq_open(queue.name.c_str(), flags)));
    context.message_queue_files[file.get()] =
        UniqueFd(TRY_SYS(::fcntl(fd.get(), F_DUPFD_CLOEXEC, context.first_descriptor)));
  }
  return {};
}

Result<> restore_queue(RestoreContext& context, int index) {
  const image::MessageQueueT& queue = *context.image.message_queues[static_cast<size_t>(index)];
  if (!are_shared(context.image, queue.space)) TRY(make_queue(queue));
  TRY(open_descriptions(context, index, queue));
  if (queue.unlinked) TRY_SYS(::mq_unlink(queue.name.c_str()));
  return {};
}

// Those whose name is free again go first: another may have it now.
Result<> make_queues(RestoreContext& context, int space) {
  const auto& queues = context.image.message_queues;
  for (bool unlinked : {true, false})
    for (size_t i = 0; i < queues.size(); ++i)
      if (queues[i]->space == space && queues[i]->unlinked == unlinked)
        TRY(restore_queue(context, static_cast<int>(i)).within("message queue " + queues[i]->name));
  return {};
}

Result<> restore_space(RestoreContext& context, int space) {
  if (are_shared(context.image, space)) return make_queues(context, space);
  const Needed needed = needed_by(context.image, space);
  RaisedSetting count =
      TRY(RaisedSetting::at_least("fs/mqueue/queues_max", context.image.message_queues.size()));
  RaisedSetting messages = TRY(RaisedSetting::at_least("fs/mqueue/msg_max", needed.messages));
  RaisedSetting size = TRY(RaisedSetting::at_least("fs/mqueue/msgsize_max", needed.size));
  return make_queues(context, space);
}

}  // namespace

Result<int> capture_queue(CaptureContext& context, const std::string& path, const std::string& name,
                          const struct stat& info) {
  CaptureContext::Identity identity{info.st_dev, info.st_ino};
  if (auto known = context.message_queues.find(identity); known != context.message_queues.end())
    return known->second;
  UniqueFd fd = TRY(open_file(path, O_RDWR | O_NONBLOCK));
  mq_attr attributes{};
  TRY_SYS(::mq_getattr(fd.get(), &attributes));
  MqStatus status = parse_mq_status(TRY(read_whole(fd.get())));
  auto queue = std::make_unique<image::MessageQueueT>();
  queue->name = name;
  queue->unlinked = info.st_nlink == 0;
  queue->mode = info.st_mode & 07777;
  queue->uid = info.st_uid;
  queue->gid = info.st_gid;
  queue->messages_max = attributes.mq_maxmsg;
  queue->message_size = attributes.mq_msgsize;
  TRY(capture_notification(context, status, attributes.mq_curmsgs, *queue));
  if (TRY(is_of_host(context, info.st_dev))) {
    if (queue->unlinked)
      context.obstacles.add(
          "the application has message queue " + name + " of the host open, which was removed",
          "close it before the snapshot");
  } else if (queue->notify_pid == 0 && attributes.mq_curmsgs > 0 && context.obstacles.empty()) {
    TRY(copy_messages(fd.get(), attributes, status.bytes, queue->messages));
  }
  int index = static_cast<int>(context.image.message_queues.size());
  context.image.message_queues.push_back(std::move(queue));
  context.message_queues.emplace(identity, index);
  return index;
}

Result<uint64_t> device_of_queues() {
  const UniqueFd root = TRY(open_file_system());
  struct stat info {};
  TRY_SYS(::fstat(root.get(), &info));
  return uint64_t{info.st_dev};
}

Result<> capture_queues(CaptureContext& context, int space) {
  UniqueFd root = TRY(open_file_system());
  std::string folder = "/proc/self/fd/" + std::to_string(root.get());
  for (const std::string& name : TRY(list_folder(folder))) {
    struct stat info {};
    std::string path = folder + "/" + name;
    if (::stat(path.c_str(), &info) != 0)
      return Error::from_errno(errno, "stat of message queue /" + name);
    TRY(capture_queue(context, path, "/" + name, info).within("message queue /" + name));
  }
  const uint64_t device = TRY(device_of_queues());
  for (const auto& [identity, index] : context.message_queues)
    if (identity.first == device)
      context.image.message_queues[static_cast<size_t>(index)]->space = space;
  return {};
}

void find_unreachable(CaptureContext& context, const std::set<uint64_t>& devices) {
  for (const auto& [identity, index] : context.message_queues)
    if (!devices.contains(identity.first))
      context.obstacles.add("the application has message queue " +
                                context.image.message_queues[static_cast<size_t>(index)]->name +
                                " open, of an IPC namespace in which nobody lives any more",
                            "close it before the last one leaves that namespace");
}

Result<> restore_queues(RestoreContext& context) {
  if (context.image.message_queues.empty()) return {};
  RaisedLimit limit;
  for (int space : context.spaces("ipc"))
    TRY(context.in_ipc(space, [&] { return restore_space(context, space); }));
  return {};
}

}  // namespace appshot::mqueues
