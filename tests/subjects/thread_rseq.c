// The rseq area stays registered in every thread: the kernel keeps its cpu number current, and a
// second registration is refused.
#include "subject.h"

#include <sys/rseq.h>

static atomic_int go;

static struct rseq* area(void) {
  return (struct rseq*)((char*)__builtin_thread_pointer() + __rseq_offset);
}

static void check_area(void) {
  CHECK(__rseq_size > 0);
  volatile struct rseq* rseq = area();
  cpu_set_t all, one;
  CHECK_OK(sched_getaffinity(0, sizeof all, &all));
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &all)) continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    CHECK_OK(sched_setaffinity(0, sizeof one, &one));
    CHECK_EQ(rseq->cpu_id, cpu);
    CHECK_EQ(rseq->cpu_id_start, cpu);
    unsigned real = 0;
    CHECK_OK(syscall(SYS_getcpu, &real, NULL, NULL));
    CHECK_EQ(rseq->cpu_id, real);
  }
  CHECK_OK(sched_setaffinity(0, sizeof all, &all));
  // same address, size and signature: EBUSY; anything else: EINVAL; both mean registered
  long again = syscall(SYS_rseq, area(), 32, 0, RSEQ_SIG);
  CHECK_EQ(again, -1);
  CHECK(errno == EBUSY || errno == EINVAL);
}

static void* body(void* arg) {
  wait_until_flag(&go, 1);
  check_area();
  return NULL;
}

int main(void) {
  if (__rseq_size == 0) subject_skip("the C library has not registered rseq");
  struct thread thread;
  thread_start(&thread, body, NULL);
  check_area();
  STEP("rseq");
  check_area();
  go = 1;
  thread_join(&thread);
  go = 0;
  thread_start(&thread, body, NULL);
  go = 1;
  thread_join(&thread);
  subject_done();
}
