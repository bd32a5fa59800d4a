// pthread_cond_timedwait (a futex wait with an absolute timeout) in progress, monotonic.
#include "subject.h"

static void* body(void* arg) {
  long long begin = now_ms(CLOCK_MONOTONIC);
  long ms = timeout_ms();
  struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
  (void)ts;
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_condattr_t attr;
  pthread_cond_t cond;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&cond, &attr);
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += ts.tv_sec + (until.tv_nsec + ts.tv_nsec) / 1000000000;
  until.tv_nsec = (until.tv_nsec + ts.tv_nsec) % 1000000000;
  pthread_mutex_lock(&mutex);
  CHECK_EQ(pthread_cond_timedwait(&cond, &mutex, &until), ETIMEDOUT);
  pthread_mutex_unlock(&mutex);
  CHECK_NEAR(now_ms(CLOCK_MONOTONIC) - begin, ms, kToleranceMs);
  return NULL;
}

int main(void) {
  struct thread thread;
  thread_start(&thread, body, NULL);
  wait_until_blocked(getpid(), thread.tid, "futex");
  nap_ms(timeout_ms() / 2);  // what is left must be told from the whole
  STEP("futex in progress");
  thread_join(&thread);
  subject_done();
}
