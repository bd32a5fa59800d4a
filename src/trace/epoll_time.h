// How long threads in epoll_wait still have to wait.
//
// Unlike a sleep (time_left.h) such a wait is over when it is frozen: the kernel forgets when it
// was to end. So it is looked at before: of the timers of /proc/timer_list that are gone once the
// application is frozen, a thread's own is one that has the leeway the kernel gives to a wait of
// its length. Where several have, the latest is taken: nobody is woken too early.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "os/proc/process_dir.h"
#include "os/proc/timer_list.h"
#include "trace/frozen_application.h"

namespace appshot {

class EpollTimes {
 public:
  // While they run; null: could not be opened. Never fails: what cannot be seen is not known.
  static EpollTimes look_at(const std::vector<std::optional<proc::ProcessDir>>& processes);

  // Leaves in the threads' registers the time-out that is left, with which they make the call
  // again.
  Result<> shorten(FrozenApplication& frozen) const;

 private:
  struct Wait {
    HostPid tid;
    int64_t timeout_ms;
    uint64_t sleeps;  // how often it had gone to sleep
  };
  static std::vector<Wait> waits_of(const proc::ProcessDir& process);
  Result<> shorten(const Wait& wait, const FrozenProcess& process, Tracee& thread,
                   const proc::Wakeups& now) const;

  std::vector<Wait> waits_;
  proc::Wakeups before_;
};

}  // namespace appshot
