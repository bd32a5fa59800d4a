// Which of the machine's timers is a thread's own, told by letting it sleep and wake: its timer is
// there when it sleeps and never when it does not. Others come and go meanwhile, and on a busy
// machine the kernel's list now and then leaves one out, so it may take several looks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "os/proc/timer_list.h"

namespace appshot {

class OwnTimer {
 public:
  // Timers that are there while the thread does not sleep.
  void awake(const proc::Wakeups& seen);
  // While it does. `exact`: its timer is one without leeway, which others nearly always have.
  void asleep(const proc::Wakeups& seen, bool exact);

  // When it expires. Nothing: none has been seen, or several that are as likely.
  std::optional<int64_t> found() const;

 private:
  // Known by when they were asked for: the leeway of poll shrinks with what is left.
  std::set<int64_t> others_;
  std::map<int64_t, int> seen_;  // how often
};

}  // namespace appshot
