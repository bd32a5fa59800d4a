// Threads can be created, detached and joined after the restore, and get ids no living thread has.
#include "subject.h"

static atomic_int go, done;

static void* body(void* arg) {
  wait_until_flag(&go, 1);
  ++done;
  return arg;
}

int main(void) {
  struct thread before[4], after[8];
  for (int i = 0; i < 4; ++i) thread_start(&before[i], body, NULL);
  STEP("four threads");
  for (int i = 0; i < 8; ++i) {
    thread_start(&after[i], body, (void*)(long)i);
    for (int j = 0; j < 4; ++j) CHECK(after[i].tid != before[j].tid);
    CHECK(after[i].tid != getpid());
  }
  STEP("twelve threads");
  go = 1;
  for (int i = 0; i < 4; ++i) thread_join(&before[i]);
  for (long i = 0; i < 8; ++i) CHECK_EQ(thread_join(&after[i]), i);
  struct thread detached;
  thread_start(&detached, body, NULL);
  CHECK_EQ(pthread_detach(detached.handle), 0);
  wait_until_flag(&done, 13);
  subject_done();
}
