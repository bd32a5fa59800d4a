// The main thread has ended with pthread_exit: it stays a zombie leader while the other threads
// live on.
#include "subject.h"

static void* body(void* arg) {
  pid_t tid = gettid_raw();
  wait_until_state(getpid(), getpid(), 'Z');
  STEP("leader is a zombie");
  wait_until_state(getpid(), getpid(), 'Z');
  CHECK_EQ(gettid_raw(), tid);
  CHECK(tid != getpid());
  pthread_t* main_thread = arg;
  CHECK_EQ(pthread_join(*main_thread, NULL), 0);
  pid_t child = (pid_t)CHECK_OK(fork());
  if (child == 0) _exit(0);
  reap_ok(child);
  subject_done();
}

int main(void) {
  static pthread_t self;
  static struct thread other;
  self = pthread_self();
  thread_start(&other, body, &self);
  pthread_exit(NULL);
}
