// A priority-inheritance mutex, held and waited for at the restore, goes to its waiter; its owner
// stays its owner.
#include "subject.h"

static pthread_mutex_t mutex;
static atomic_int got;

static void* waiter(void* arg) {
  CHECK_EQ(pthread_mutex_lock(&mutex), 0);
  got = 1;
  CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
  return NULL;
}

int main(void) {
  pthread_mutexattr_t attr;
  CHECK_EQ(pthread_mutexattr_init(&attr), 0);
  CHECK_EQ(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT), 0);
  CHECK_EQ(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK), 0);
  CHECK_EQ(pthread_mutex_init(&mutex, &attr), 0);
  CHECK_EQ(pthread_mutex_lock(&mutex), 0);
  STEP("held, nobody waits");
  CHECK_EQ(pthread_mutex_lock(&mutex), EDEADLK);
  struct thread thread;
  thread_start(&thread, waiter, NULL);
  wait_until_blocked(getpid(), thread.tid, "futex");
  STEP("held, one waits");
  CHECK_EQ(got, 0);
  wait_until_blocked(getpid(), thread.tid, "futex");
  CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
  thread_join(&thread);
  CHECK_EQ(got, 1);
  CHECK_EQ(pthread_mutex_lock(&mutex), 0);
  CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
  subject_done();
}
