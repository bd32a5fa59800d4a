// clear_child_tid is kept: a pthread_join in progress, and one begun afterwards, both end with the
// thread.
#include "subject.h"

static atomic_int go;
static void* body(void* arg) {
  wait_until_flag(&go, (int)(long)arg);
  return arg;
}

static void* joiner(void* arg) { return thread_join(arg); }

int main(void) {
  struct thread first, second, waiting;
  thread_start(&first, body, (void*)1);
  thread_start(&second, body, (void*)2);
  thread_start(&waiting, joiner, &first);
  wait_until_blocked(getpid(), waiting.tid, "futex");
  int* address = NULL;
  CHECK_OK(prctl(PR_GET_TID_ADDRESS, &address));
  STEP("join in progress");
  int* address_now = NULL;
  CHECK_OK(prctl(PR_GET_TID_ADDRESS, &address_now));
  CHECK_EQ(address_now, address);
  CHECK_EQ(pthread_tryjoin_np(second.handle, NULL), EBUSY);
  go = 1;
  CHECK_EQ(thread_join(&waiting), (void*)1);
  go = 2;
  CHECK_EQ(thread_join(&second), (void*)2);
  subject_done();
}
