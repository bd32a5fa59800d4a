#include "resources/scheduling/scheduling.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "os/file.h"

namespace appshot::scheduling {
namespace {

struct SchedAttr {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
  uint32_t util_min, util_max;
};
constexpr int kIoPriorityOfProcess = 1;  // IOPRIO_WHO_PROCESS
constexpr uint64_t kResetOnFork = 1;     // the only flag that is a property and not a request
constexpr size_t kAffinityBytesMax = 1024;

}  // namespace

Result<std::unique_ptr<image::SchedulingT>> capture(HostPid thread) {
  auto out = std::make_unique<image::SchedulingT>();
  SchedAttr attr{};
  TRY_SYS(::syscall(SYS_sched_getattr, thread.value, &attr, sizeof attr, 0));
  out->policy = static_cast<int>(attr.policy);
  out->nice = attr.nice;
  out->priority = attr.priority;
  out->flags = attr.flags & kResetOnFork;
  if (attr.policy == 6 /* SCHED_DEADLINE */) {
    out->runtime = attr.runtime;
    out->deadline = attr.deadline;
    out->period = attr.period;
  }
  std::array<uint8_t, kAffinityBytesMax> mask{};
  long length = TRY_SYS(::syscall(SYS_sched_getaffinity, thread.value, mask.size(), mask.data()));
  out->affinity.assign(mask.begin(), mask.begin() + length);
  out->io_priority =
      static_cast<int>(TRY_SYS(::syscall(SYS_ioprio_get, kIoPriorityOfProcess, thread.value)));
  std::string slack =
      TRY(read_record_at(AT_FDCWD, "/proc/" + std::to_string(thread.value) + "/timerslack_ns"));
  out->timer_slack_ns = std::strtoull(slack.c_str(), nullptr, 10);
  return out;
}

void plan(const image::SchedulingT& s, CallList& calls, DataSpace& data) {
  // Fails where none of the processors exists; then the thread may run on all there are.
  calls.add_may_fail(SYS_sched_setaffinity, 0, s.affinity.size(),
                     data.put(s.affinity.data(), s.affinity.size()));
  SchedAttr attr{};
  attr.size = 48;  // without the utilisation clamps
  attr.policy = static_cast<uint32_t>(s.policy);
  attr.flags = s.flags;
  attr.nice = s.nice;
  attr.priority = s.priority;
  attr.runtime = s.runtime;
  attr.deadline = s.deadline;
  attr.period = s.period;
  calls.add(SYS_sched_setattr, 0, data.put(attr), 0);
  calls.add(SYS_ioprio_set, kIoPriorityOfProcess, 0, s.io_priority);
  if (s.timer_slack_ns != 0) calls.add(SYS_prctl, PR_SET_TIMERSLACK, s.timer_slack_ns, 0, 0, 0);
}

}  // namespace appshot::scheduling
