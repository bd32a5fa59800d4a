// mq_notify: who waits to be told that an empty queue has got a message. The kernel shows the
// process and the signal but not the value that goes with it; that is learnt by letting the
// notification happen, in the process itself and within one list of calls, which also takes the
// signal and the message away again and registers it anew.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/process_source.h"
#include "trace/call_list.h"

namespace appshot::mqueues {

class NotificationQuestion {
 public:
  NotificationQuestion(int queue, int fd, int spare_fd, int signal)
      : queue_(queue), fd_(fd), spare_fd_(spare_fd), signal_(signal) {}

  int signal() const { return signal_; }
  void ask(CallList& calls, DataSpace& data);
  void collect(CaptureContext& context, const ProcessSource& process, const CallList& calls,
               const DataSpace& data) const;

 private:
  int queue_, fd_;
  int spare_fd_;  // free in the process: the queue is opened there for reading and writing
  int signal_;
  uint64_t info_ = 0;
  size_t sent_ = 0, taken_ = 0, registered_ = 0;
};

// What must be asked of a process that stands still; each question on its own. `table`: the one
// whose descriptors it has. `waiting`: signals that are pending for it, as a mask.
Result<std::vector<NotificationQuestion>> find_notifications(CaptureContext& context,
                                                             const ProcessSource& process,
                                                             const ProcessSource& table,
                                                             uint64_t waiting);

// By the process itself. Closing any descriptor of a queue would end its notification: afterwards
// it closes none.
void plan_register(const image::ImageT& image, const image::ProcessT& process, CallList& calls,
                   DataSpace& data);

}  // namespace appshot::mqueues
