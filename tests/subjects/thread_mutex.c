// A thread blocked on a held mutex stays blocked, and gets it when it is released; contention works
// on.
#include "subject.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int got;
static long counter;

static void* body(void* arg) {
  CHECK_EQ(pthread_mutex_lock(&mutex), 0);
  got = 1;
  CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
  for (int i = 0; i < 20000; ++i) {
    pthread_mutex_lock(&mutex);
    ++counter;
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

int main(void) {
  struct thread waiters[3];
  CHECK_EQ(pthread_mutex_lock(&mutex), 0);
  for (int i = 0; i < 3; ++i) {
    thread_start(&waiters[i], body, NULL);
    wait_until_blocked(getpid(), waiters[i].tid, "futex");
  }
  STEP("mutex held");
  CHECK_EQ(got, 0);
  CHECK_EQ(pthread_mutex_trylock(&mutex), EBUSY);
  for (int i = 0; i < 3; ++i) wait_until_blocked(getpid(), waiters[i].tid, "futex");
  CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
  for (int i = 0; i < 3; ++i) thread_join(&waiters[i]);
  CHECK_EQ(counter, 60000);
  subject_done();
}
