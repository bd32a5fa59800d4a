// A sleep, a poll and a futex wait, each stopped and continued before and between two snapshots:
// every one still ends when it should, and their arguments are as they were.
#include "subject.h"

#include <linux/futex.h>
#include <poll.h>

enum { kNanosleep, kClockNanosleep, kPoll, kFutex, kFutexBitset, kCount };
static const char* const kCalls[] = {"nanosleep", "clock_nanosleep", "poll", "futex", "futex"};

static void wait_in(int which, long ms) {
  struct timespec ts = {ms / 1000, ms % 1000 * 1000000}, before = ts;
  atomic_int word = 0;
  int fds[2];
  CHECK_OK(pipe(fds));
  struct pollfd one = {.fd = fds[0], .events = POLLIN};
  long long begin = now_ms(CLOCK_MONOTONIC);
  if (which == kNanosleep) CHECK_OK(syscall(SYS_nanosleep, &ts, NULL));
  if (which == kClockNanosleep)
    CHECK_OK(syscall(SYS_clock_nanosleep, CLOCK_BOOTTIME, 0, &ts, NULL));
  if (which == kPoll) CHECK_EQ(syscall(SYS_poll, &one, 1, ms), 0);
  if (which == kFutex)
    CHECK_ERRNO(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &ts, NULL, 0), ETIMEDOUT);
  if (which == kFutexBitset) {
    clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec += ms / 1000;
    CHECK_ERRNO(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &ts, NULL, ~0U), ETIMEDOUT);
  }
  CHECK_NEAR(now_ms(CLOCK_MONOTONIC) - begin, ms, kToleranceMs);
  if (which != kFutexBitset) CHECK_MEM(&ts, &before, sizeof ts);
  _exit(0);
}

static void stop_and_continue(pid_t pid, const char* call) {
  wait_until_blocked(pid, pid, call);
  CHECK_OK(kill(pid, SIGSTOP));
  CHECK_EQ(waitpid(pid, NULL, WUNTRACED), pid);
  CHECK_OK(kill(pid, SIGCONT));
}

int main(void) {
  const long ms = subject_cycles() > 0 ? 4000 : 1000;
  pid_t pids[kCount];
  for (int i = 0; i < kCount; ++i) {
    pids[i] = (pid_t)CHECK_OK(fork());
    if (pids[i] == 0) wait_in(i, ms);
    stop_and_continue(pids[i], kCalls[i]);
  }
  nap_ms(ms / 4);
  STEP("begun again");
  for (int i = 0; i < kCount; ++i) stop_and_continue(pids[i], "any");
  nap_ms(ms / 8);
  STEP("begun once more");
  for (int i = 0; i < kCount; ++i) reap_ok(pids[i]);
  subject_done();
}
