// pthread_cancel after the restore ends a thread blocked in read, runs its cleanup, and honours a
// disabled state.
#include "subject.h"

static atomic_int cleaned, enable;
static int fds[2];

static void clean(void* arg) { cleaned += (int)(long)arg; }

static void* blocked(void* arg) {
  char byte;
  pthread_cleanup_push(clean, (void*)1);
  CHECK_OK(read(fds[0], &byte, 1));
  pthread_cleanup_pop(0);
  return NULL;
}

static void* disabled(void* arg) {
  CHECK_EQ(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL), 0);
  pthread_cleanup_push(clean, (void*)10);
  wait_until_flag(&enable, 1);
  CHECK_EQ(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL), 0);
  pthread_testcancel();
  pthread_cleanup_pop(0);
  return NULL;
}

int main(void) {
  struct thread first, second;
  CHECK_OK(pipe(fds));
  thread_start(&first, blocked, NULL);
  thread_start(&second, disabled, NULL);
  wait_until_blocked(getpid(), first.tid, "read");
  STEP("before cancel");
  CHECK_EQ(pthread_cancel(first.handle), 0);
  CHECK_EQ(thread_join(&first), PTHREAD_CANCELED);
  CHECK_EQ(cleaned, 1);
  CHECK_EQ(pthread_cancel(second.handle), 0);
  STEP("cancel pending");
  CHECK_EQ(cleaned, 1);
  enable = 1;
  CHECK_EQ(thread_join(&second), PTHREAD_CANCELED);
  CHECK_EQ(cleaned, 11);
  subject_done();
}
