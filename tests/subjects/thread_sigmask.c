// Each thread keeps a signal mask of its own, and a process-directed signal goes to the one that
// lets it in.
#include "subject.h"

enum { kCount = 5 };
static atomic_int go, ready, handled_by;

static void handler(int signo) { handled_by = gettid_raw(); }

static void* body(void* arg) {
  long index = (long)arg;
  sigset_t mask, now;
  sigfillset(&mask);
  sigdelset(&mask, SIGRTMIN + (int)index);
  CHECK_EQ(pthread_sigmask(SIG_SETMASK, &mask, NULL), 0);
  CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
  ++ready;
  wait_until_flag(&go, (int)index + 1);
  CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &now), 0);
  for (int signo = 1; signo <= 64; ++signo)
    CHECK_EQ(sigismember(&now, signo) == 1, sigismember(&mask, signo) == 1);
  return NULL;
}

int main(void) {
  struct thread threads[kCount];
  sigset_t all;
  sigfillset(&all);
  for (int i = 0; i < kCount; ++i) CHECK(signal(SIGRTMIN + i, handler) != SIG_ERR);
  for (long i = 0; i < kCount; ++i) thread_start(&threads[i], body, (void*)i);
  CHECK_EQ(pthread_sigmask(SIG_SETMASK, &all, NULL), 0);
  wait_until_flag(&ready, kCount);
  STEP("masks");
  for (int i = 0; i < kCount; ++i) {
    handled_by = 0;
    CHECK_OK(kill(getpid(), SIGRTMIN + i));
    wait_until(handled_by != 0);
    CHECK_EQ(handled_by, threads[i].tid);
    go = i + 1;
    thread_join(&threads[i]);
  }
  subject_done();
}
