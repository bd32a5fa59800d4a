// Each thread keeps scheduling policy, priority, reset-on-fork flag and nice value.
#include "subject.h"

#include <sys/resource.h>

struct wanted {
  int policy, priority, nice;
};
static const struct wanted kWanted[] = {
    {SCHED_OTHER, 0, 5}, {SCHED_BATCH, 0, 3},
    {SCHED_IDLE, 0, 0},  {SCHED_BATCH | SCHED_RESET_ON_FORK, 0, 7},
    {SCHED_FIFO, 7, 0},  {SCHED_RR, 3, 0},
};
enum { kCount = sizeof kWanted / sizeof kWanted[0] };
static atomic_int go, ready, denied;

static void* body(void* arg) {
  const struct wanted* wanted = arg;
  struct sched_param param = {.sched_priority = wanted->priority};
  if (syscall(SYS_sched_setscheduler, 0, wanted->policy, &param) != 0) {
    if (errno != EPERM || wanted->priority == 0) FAIL("sched_setscheduler(%d)", wanted->policy);
    ++denied;
    ++ready;
    return NULL;
  }
  if (wanted->nice) CHECK_OK(setpriority(PRIO_PROCESS, (id_t)gettid_raw(), wanted->nice));
  ++ready;
  while (!go) nap_ms(2);
  CHECK_EQ(syscall(SYS_sched_getscheduler, 0), wanted->policy);
  CHECK_OK(syscall(SYS_sched_getparam, 0, &param));
  CHECK_EQ(param.sched_priority, wanted->priority);
  CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)gettid_raw()), wanted->nice);
  return NULL;
}

int main(void) {
  static struct thread threads[kCount];
  for (int i = 0; i < kCount; ++i) thread_start(&threads[i], body, (void*)&kWanted[i]);
  wait_until_flag(&ready, kCount);
  STEP("policies");
  CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
  go = 1;
  for (int i = 0; i < kCount; ++i) thread_join(&threads[i]);
  if (denied == kCount) subject_skip("no policy may be set here");
  subject_done();
}
