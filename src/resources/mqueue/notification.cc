#include "resources/mqueue/notification.h"

#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/syscall.h>

#include <set>

#include "resources/awaited.h"
#include "resources/mqueue/mqueue.h"

namespace appshot::mqueues {
namespace {

constexpr size_t kValueInSiginfo = 24;
static_assert(offsetof(siginfo_t, si_value) == kValueInSiginfo);
static_assert(offsetof(sigevent, sigev_value) == 0);
constexpr size_t kKernelSigevent = 64;
constexpr uint64_t kMaskBytes = 8;

// They do more than wait to be taken, or no handler will ever see their value.
bool carries_value(int signal) {
  for (int other : {SIGKILL, SIGSTOP, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU})
    if (signal == other) return false;
  return signal > 0;
}

uint64_t bit(int signal) { return 1ULL << (signal - 1); }

int lowest_free(const ProcessSource& process) {
  std::set<int> used;
  for (const DescriptorSource& descriptor : process.descriptors) used.insert(descriptor.fd);
  int fd = 0;
  while (used.count(fd) != 0) ++fd;
  return fd;
}

sigevent event_of(const image::MessageQueueT& queue) {
  sigevent event{};
  event.sigev_notify = queue.notify;
  event.sigev_signo = queue.notify_signal;
  event.sigev_value.sival_ptr = reinterpret_cast<void*>(queue.notify_value);
  return event;
}

}  // namespace

// If we die in the middle the list still runs to its end, and nothing is missing (see
// trace/injection.h). All signals are blocked in the thread; it takes its own before anyone sees
// it.
void NotificationQuestion::ask(CallList& calls, DataSpace& data) {
  std::string path = "/proc/self/fd/" + std::to_string(fd_);
  uint64_t name = data.put(path.c_str(), path.size() + 1);
  timespec at_once{};
  uint64_t no_time = data.put(at_once);
  uint64_t mask = data.put(bit(signal_));
  info_ = data.put(siginfo_t{});
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = signal_;
  uint64_t again = data.put(&event, kKernelSigevent);
  calls.add_may_fail(SYS_openat, AT_FDCWD, name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  sent_ = calls.add_may_fail(SYS_mq_timedsend, spare_fd_, name, 0, 0, 0);
  taken_ = calls.add_may_fail(SYS_rt_sigtimedwait, mask, info_, no_time, kMaskBytes);
  calls.add_may_fail(SYS_mq_timedreceive, spare_fd_, name, 1UL << 30, 0, 0);
  // Before the registration: to close any descriptor of the queue ends it.
  calls.add_may_fail(SYS_close, spare_fd_);
  calls.add_may_fail(STUB_OP_COPY, again, info_ + kValueInSiginfo, sizeof(sigval));
  registered_ = calls.add_may_fail(SYS_mq_notify, fd_, again);
}

void NotificationQuestion::collect(CaptureContext& context, const ProcessSource& process,
                                   const CallList& calls, const DataSpace& data) const {
  image::MessageQueueT& queue = *context.image.message_queues[static_cast<size_t>(queue_)];
  if (calls.result(sent_) == 0 && calls.result(taken_) == signal_ &&
      calls.result(registered_) == 0) {
    std::memcpy(&queue.notify_value, data.here(info_ + kValueInSiginfo), sizeof queue.notify_value);
    return;
  }
  context.obstacles.add(process.words() + " waits to be notified by message queue " + queue.name +
                            " (mq_notify), which it may not write to itself",
                        "end the notification first");
}

Result<std::vector<NotificationQuestion>> find_notifications(CaptureContext& context,
                                                             const ProcessSource& process,
                                                             const ProcessSource& table,
                                                             uint64_t waiting) {
  std::vector<NotificationQuestion> questions;
  std::set<int> asked;
  for (const DescriptorSource& descriptor : table.descriptors) {
    if (!is_queue(table, descriptor)) continue;
    int index = TRY(queue_of(context, table, descriptor));
    const image::MessageQueueT& queue = *context.image.message_queues[static_cast<size_t>(index)];
    if (queue.notify_pid != process.id.value || queue.notify != SIGEV_SIGNAL) continue;
    if (!carries_value(queue.notify_signal) || !asked.insert(index).second) continue;
    if ((waiting & bit(queue.notify_signal)) != 0) {
      context.obstacles.add(process.words() + " waits to be notified by message queue " +
                                queue.name + " with signal " + std::to_string(queue.notify_signal) +
                                ", which is pending already",
                            "take the signal, or end the notification first");
      continue;
    }
    questions.emplace_back(index, descriptor.fd, lowest_free(table), queue.notify_signal);
  }
  return questions;
}

void plan_register(const image::ImageT& image, const image::ProcessT& process, CallList& calls,
                   DataSpace& data) {
  std::set<int> done;
  for (const auto& descriptor : table_owner(image, process).descriptors) {
    const image::OpenFileT& file = *image.open_files[static_cast<size_t>(descriptor->file)];
    if (file.kind.type != image::FileKind::MessageQueueFile) continue;
    const int index = file.kind.AsMessageQueueFile()->queue;
    const image::MessageQueueT& queue = *image.message_queues[static_cast<size_t>(index)];
    if (queue.notify_pid != process.pid || !done.insert(index).second) continue;
    const sigevent event = event_of(queue);
    calls.add(SYS_mq_notify, descriptor->fd, data.put(&event, kKernelSigevent));
  }
}

}  // namespace appshot::mqueues
