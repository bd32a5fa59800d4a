// Threads in pthread_cond_wait stay there through the restore, and are woken by signal and
// broadcast.
#include "subject.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int tokens, taken;

static void* body(void* arg) {
  pthread_mutex_lock(&mutex);
  while (tokens == 0) CHECK_EQ(pthread_cond_wait(&cond, &mutex), 0);
  --tokens;
  ++taken;
  pthread_mutex_unlock(&mutex);
  return NULL;
}

static void give(int count, bool all) {
  pthread_mutex_lock(&mutex);
  tokens += count;
  if (all)
    pthread_cond_broadcast(&cond);
  else
    pthread_cond_signal(&cond);
  pthread_mutex_unlock(&mutex);
}

static int taken_now(void) {
  pthread_mutex_lock(&mutex);
  int now = taken;
  pthread_mutex_unlock(&mutex);
  return now;
}

int main(void) {
  struct thread waiters[4];
  for (int i = 0; i < 4; ++i) {
    thread_start(&waiters[i], body, NULL);
    wait_until_blocked(getpid(), waiters[i].tid, "futex");
  }
  STEP("four waiters");
  CHECK_EQ(taken_now(), 0);
  give(1, false);
  wait_until(taken_now() == 1);
  STEP("three waiters");
  CHECK_EQ(taken_now(), 1);
  give(3, true);
  for (int i = 0; i < 4; ++i) thread_join(&waiters[i]);
  CHECK_EQ(taken, 4);
  subject_done();
}
