// Each thread keeps its cpu affinity.
#include "subject.h"

enum { kMax = 4 };
static atomic_int go, ready;

static void check_only(int cpu) {
  cpu_set_t set;
  CHECK_OK(sched_getaffinity(0, sizeof set, &set));
  CHECK_EQ(CPU_COUNT(&set), 1);
  CHECK(CPU_ISSET(cpu, &set));
  unsigned now = 0;
  CHECK_OK(syscall(SYS_getcpu, &now, NULL, NULL));
  CHECK_EQ(now, cpu);
}

static void* body(void* arg) {
  int cpu = (int)(long)arg;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  CHECK_OK(sched_setaffinity(0, sizeof set, &set));
  ++ready;
  wait_until_flag(&go, 1);
  check_only(cpu);
  return NULL;
}

int main(void) {
  cpu_set_t all, now;
  CHECK_OK(sched_getaffinity(0, sizeof all, &all));
  struct thread threads[kMax];
  int count = 0;
  for (long cpu = 0; cpu < CPU_SETSIZE && count < kMax; ++cpu)
    if (CPU_ISSET(cpu, &all)) thread_start(&threads[count++], body, (void*)cpu);
  wait_until_flag(&ready, count);
  STEP("affinity");
  CHECK_OK(sched_getaffinity(0, sizeof now, &now));
  CHECK(CPU_EQUAL(&now, &all));
  go = 1;
  for (int i = 0; i < count; ++i) thread_join(&threads[i]);
  subject_done();
}
