// A thread under SCHED_DEADLINE keeps runtime, deadline and period.
#include "subject.h"

struct attributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};
enum { kDeadline = 6, kResetOnFork = 1 };

int main(void) {
  struct attributes set = {.size = sizeof set,
                           .policy = kDeadline,
                           .flags = kResetOnFork,
                           .runtime = 2000000,
                           .deadline = 20000000,
                           .period = 100000000};
  if (syscall(SYS_sched_setattr, 0, &set, 0) != 0)
    subject_skip("SCHED_DEADLINE: %s", strerror(errno));
  STEP("on a deadline");
  struct attributes now = {0};
  CHECK_OK(syscall(SYS_sched_getattr, 0, &now, sizeof now, 0));
  CHECK_EQ(now.policy, kDeadline);
  CHECK_EQ(now.flags & kResetOnFork, kResetOnFork);
  CHECK_EQ(now.runtime, set.runtime);
  CHECK_EQ(now.deadline, set.deadline);
  CHECK_EQ(now.period, set.period);
  subject_done();
}
