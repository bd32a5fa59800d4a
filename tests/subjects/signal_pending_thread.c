// Pending thread-directed signals stay with their thread, with code and value, apart from
// process-directed ones.
#include "subject.h"

enum { kCount = 3 };
static atomic_int go, ready;
static sigset_t all;
static const struct timespec kNone;

static void* body(void* arg) {
  int index = (int)(long)arg;
  ++ready;
  wait_until_flag(&go, 1);
  siginfo_t info;
  for (int i = 0; i < 4; ++i) {
    CHECK_EQ(sigtimedwait(&all, &info, &kNone), SIGRTMIN + 2);
    CHECK_EQ(info.si_code, SI_QUEUE);
    CHECK_EQ(info.si_value.sival_int, index * 10 + i);
  }
  // the raw call: libc turns SI_TKILL into SI_USER
  CHECK_EQ(syscall(SYS_rt_sigtimedwait, &all, &info, &kNone, 8), SIGRTMIN + 5);
  CHECK_EQ(info.si_code, SI_TKILL);
  CHECK_EQ(info.si_pid, getpid());
  CHECK_ERRNO(sigtimedwait(&all, &info, &kNone), EAGAIN);
  return NULL;
}

int main(void) {
  struct thread threads[kCount];
  sigfillset(&all);
  CHECK_OK(sigprocmask(SIG_SETMASK, &all, NULL));
  for (long i = 0; i < kCount; ++i) thread_start(&threads[i], body, (void*)i);
  wait_until_flag(&ready, kCount);
  for (int i = 0; i < kCount; ++i) {
    CHECK_OK(syscall(SYS_tgkill, getpid(), threads[i].tid, SIGRTMIN + 5));
    for (int j = 0; j < 4; ++j)
      CHECK_EQ(pthread_sigqueue(threads[i].handle, SIGRTMIN + 2,
                                (union sigval){.sival_int = i * 10 + j}),
               0);
  }
  STEP("pending in threads");
  sigset_t pending;
  CHECK_OK(sigpending(&pending));
  for (int signo = 1; signo <= 64; ++signo) CHECK_EQ(sigismember(&pending, signo) == 1, 0);
  go = 1;
  for (int i = 0; i < kCount; ++i) thread_join(&threads[i]);
  subject_done();
}
