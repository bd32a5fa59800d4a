// futex_waitv in progress: without an end it stays, with one it ends in time; a wake of the second
// futex is told as such.
#include "subject.h"

#include <linux/futex.h>

enum { kFutexWaitv = 449, kCount = 2 };
static atomic_int words[2][kCount], returned;

static long wait_for_either(atomic_int* either, const struct timespec* end) {
  struct futex_waitv waiters[kCount] = {0};
  for (int i = 0; i < kCount; ++i) {
    waiters[i].uaddr = (uintptr_t)&either[i];
    waiters[i].flags = FUTEX_32 | FUTEX_PRIVATE_FLAG;
  }
  return syscall(kFutexWaitv, waiters, kCount, 0, end, CLOCK_MONOTONIC);
}

static void* until_woken(void* arg) {
  CHECK_EQ(wait_for_either(words[0], NULL), 1);
  ++returned;
  return NULL;
}

static void* until_late(void* arg) {
  const long long begin = now_ms(CLOCK_MONOTONIC), end_ms = begin + timeout_ms();
  const struct timespec end = {end_ms / 1000, end_ms % 1000 * 1000000};
  CHECK_ERRNO(wait_for_either(words[1], &end), ETIMEDOUT);
  CHECK_NEAR(now_ms(CLOCK_MONOTONIC) - begin, timeout_ms(), kToleranceMs);
  return NULL;
}

int main(void) {
  if (syscall(kFutexWaitv, NULL, 0, 0, NULL, 0) != 0 && errno == ENOSYS)
    subject_skip("futex_waitv: %s", strerror(errno));
  struct thread woken, late;
  thread_start(&woken, until_woken, NULL);
  thread_start(&late, until_late, NULL);
  wait_until_blocked(getpid(), woken.tid, "futex_waitv");
  wait_until_blocked(getpid(), late.tid, "futex_waitv");
  STEP("waiting for two");
  wait_until_blocked(getpid(), woken.tid, "futex_waitv");
  CHECK_EQ(returned, 0);
  CHECK_EQ(syscall(SYS_futex, &words[0][1], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
  thread_join(&woken);
  thread_join(&late);
  subject_done();
}
