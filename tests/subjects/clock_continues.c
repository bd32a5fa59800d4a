// CLOCK_MONOTONIC, _RAW and BOOTTIME neither go back nor jump; cpu clocks never go back; realtime
// never falls behind.
#include "subject.h"

#include <sys/time.h>
#include <sys/times.h>

static void check_moved(const char* what, long long before, long long after) {
  if (after < before || after - before > 30000000000LL)
    FAIL("%s went from %lld to %lld ns", what, before, after);
}

int main(void) {
  static const clockid_t kClocks[] = {CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW,
                                      CLOCK_MONOTONIC_COARSE};
  static const char* const kNames[] = {"monotonic", "boottime", "monotonic raw",
                                       "monotonic coarse"};
  long long before[4], real = now_ns(CLOCK_REALTIME);
  for (int i = 0; i < 4; ++i) before[i] = now_ns(kClocks[i]);
  STEP("clocks");
  for (int i = 0; i < 4; ++i) check_moved(kNames[i], before[i], now_ns(kClocks[i]));
  long long real_moved = now_ns(CLOCK_REALTIME) - real, moved = now_ns(CLOCK_MONOTONIC) - before[0];
  if (real_moved < moved - 1000000000LL)
    FAIL("realtime moved %lld, monotonic %lld", real_moved, moved);
  struct timespec by_call;
  CHECK_OK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &by_call));  // the vdso and the kernel agree
  CHECK_NEAR(by_call.tv_sec * 1000000000LL + by_call.tv_nsec, now_ns(CLOCK_MONOTONIC),
             1000000000LL);
  long long last = now_ns(CLOCK_MONOTONIC);
  for (int i = 0; i < 100000; ++i) {
    long long now = now_ns(CLOCK_MONOTONIC);
    CHECK(now >= last);
    last = now;
  }
  subject_done();
}
