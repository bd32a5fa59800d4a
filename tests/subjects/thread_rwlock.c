// A read-locked rwlock with a writer waiting: the writer gets it when the last reader leaves.
#include "subject.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static atomic_int wrote;

static void* writer(void* arg) {
  CHECK_EQ(pthread_rwlock_wrlock(&lock), 0);
  wrote = 1;
  CHECK_EQ(pthread_rwlock_unlock(&lock), 0);
  return NULL;
}

static void* reader(void* arg) {
  CHECK_EQ(pthread_rwlock_rdlock(&lock), 0);
  CHECK_EQ(wrote, 1);
  CHECK_EQ(pthread_rwlock_unlock(&lock), 0);
  return NULL;
}

int main(void) {
  struct thread waiting;
  CHECK_EQ(pthread_rwlock_rdlock(&lock), 0);
  CHECK_EQ(pthread_rwlock_rdlock(&lock), 0);
  thread_start(&waiting, writer, NULL);
  wait_until_blocked(getpid(), waiting.tid, "futex");
  STEP("writer waits");
  CHECK_EQ(wrote, 0);
  CHECK_EQ(pthread_rwlock_trywrlock(&lock), EBUSY);
  CHECK_EQ(pthread_rwlock_unlock(&lock), 0);
  wait_until_blocked(getpid(), waiting.tid, "futex");
  CHECK_EQ(pthread_rwlock_unlock(&lock), 0);
  thread_join(&waiting);
  thread_start(&waiting, reader, NULL);
  thread_join(&waiting);
  subject_done();
}
