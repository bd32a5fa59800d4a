// Threads waiting at a barrier are released only when the last one arrives, and the barrier works
// again.
#include "subject.h"

static pthread_barrier_t barrier;
static atomic_int passed;

static void* body(void* arg) {
  for (int round = 0; round < 50; ++round) {
    int result = pthread_barrier_wait(&barrier);
    CHECK(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
    ++passed;
  }
  return NULL;
}

int main(void) {
  struct thread others[3];
  CHECK_EQ(pthread_barrier_init(&barrier, NULL, 4), 0);
  for (int i = 0; i < 3; ++i) {
    thread_start(&others[i], body, NULL);
    wait_until_blocked(getpid(), others[i].tid, "futex");
  }
  STEP("three of four at the barrier");
  CHECK_EQ(passed, 0);
  for (int i = 0; i < 3; ++i) wait_until_blocked(getpid(), others[i].tid, "futex");
  body(NULL);
  for (int i = 0; i < 3; ++i) thread_join(&others[i]);
  CHECK_EQ(passed, 200);
  subject_done();
}
