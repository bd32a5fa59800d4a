// A time namespace of the application's own: its clocks go on from where they were, and sleeps and
// timers end when they would have.
#include "subject.h"

#include <sys/timerfd.h>

enum { kAhead = 5000 };

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  struct peer child = peer_fork();
  if (child.pid == 0) {
    CHECK_OK(unshare(CLONE_NEWTIME));
    write_text("/proc/self/timens_offsets", "monotonic 5000 0\nboottime 7000 0\n");
    struct peer inner = peer_fork();
    if (inner.pid != 0) {
      peer_hear(&inner);
      // Of its own children's clocks it has nothing any more.
      int own = (int)CHECK_OK(open("/proc/self/ns/time", O_RDONLY | O_CLOEXEC));
      CHECK_OK(setns(own, CLONE_NEWTIME));
      CHECK_OK(close(own));
      peer_tell(&child, 0);
      peer_hear(&child);
      peer_tell(&inner, 0);
      peer_end(&inner);
      _exit(0);
    }
    const long long monotonic = now_ns(CLOCK_MONOTONIC), boottime = now_ns(CLOCK_BOOTTIME);
    int timer = (int)CHECK_OK(timerfd_create(CLOCK_MONOTONIC, 0));
    const long long due_ns = monotonic + timeout_ms() * 1000000LL;
    struct itimerspec when = {.it_value = {due_ns / 1000000000, due_ns % 1000000000}};
    CHECK_OK(timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL));
    peer_tell(&inner, 0);
    peer_hear(&inner);
    const long long later = now_ns(CLOCK_MONOTONIC), later_boottime = now_ns(CLOCK_BOOTTIME);
    CHECK(later > monotonic);
    CHECK(later < monotonic + 100LL * 1000000000);
    CHECK(later_boottime > boottime);
    CHECK(later_boottime < boottime + 100LL * 1000000000);
    uint64_t times = 0;
    CHECK_EQ(read(timer, &times, sizeof times), sizeof times);
    CHECK_EQ(times, 1);
    CHECK_NEAR(now_ns(CLOCK_MONOTONIC) / 1000000, due_ns / 1000000, kToleranceMs);
    _exit(0);
  }
  peer_hear(&child);
  const long long here = now_ns(CLOCK_MONOTONIC);
  STEP("ahead");
  CHECK(now_ns(CLOCK_MONOTONIC) < here + 100LL * 1000000000);
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
