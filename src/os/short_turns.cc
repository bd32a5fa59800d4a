#include "os/short_turns.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace appshot {
namespace {

constexpr uint64_t kTurnNs = 100'000;  // the shortest there is

struct SchedulingWish {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t turn_ns, deadline, period;
};

}  // namespace

ShortTurns::ShortTurns() { set(kTurnNs); }

ShortTurns::~ShortTurns() { set(0); }  // the kernel's own choice

void ShortTurns::set(uint64_t turn_ns) {
  if (::sched_getscheduler(0) != SCHED_OTHER) return;
  SchedulingWish wish{};
  wish.size = sizeof wish;
  wish.policy = SCHED_OTHER;
  wish.nice = ::getpriority(PRIO_PROCESS, 0);
  wish.turn_ns = turn_ns;
  (void)!::syscall(SYS_sched_setattr, 0, &wish, 0);
}

}  // namespace appshot
