// Resource limits, soft and hard, per process.
#include "subject.h"

#include <sys/resource.h>

static void read_all(struct rlimit* limits) {
  for (int i = 0; i < RLIM_NLIMITS; ++i) CHECK_OK(getrlimit(i, &limits[i]));
}

static void lower(int resource, rlim_t soft, rlim_t hard) {
  struct rlimit now;
  CHECK_OK(getrlimit(resource, &now));
  if (hard > now.rlim_max) hard = now.rlim_max;
  if (soft > hard) soft = hard;
  CHECK_OK(setrlimit(resource, &(struct rlimit){soft, hard}));
}

static void check_same(const struct rlimit* before) {
  struct rlimit now[RLIM_NLIMITS];
  read_all(now);
  for (int i = 0; i < RLIM_NLIMITS; ++i)
    if (now[i].rlim_cur != before[i].rlim_cur || now[i].rlim_max != before[i].rlim_max)
      FAIL("limit %d is %lu/%lu, expected %lu/%lu", i, now[i].rlim_cur, now[i].rlim_max,
           before[i].rlim_cur, before[i].rlim_max);
}

int main(void) {
  struct rlimit before[RLIM_NLIMITS];
  struct peer child = peer_fork();
  if (child.pid == 0) {  // hard limits too: these cannot be raised again
    lower(RLIMIT_NOFILE, 50, 60);
    lower(RLIMIT_FSIZE, 1 << 20, 2 << 20);
    lower(RLIMIT_STACK, 4 << 20, 5 << 20);
    lower(RLIMIT_CORE, 0, 0);
    lower(RLIMIT_SIGPENDING, 100, 200);
    lower(RLIMIT_MSGQUEUE, 0, 4096);
    read_all(before);
    peer_tell(&child, 0);
    peer_hear(&child);
    check_same(before);
    CHECK_ERRNO(dup2(0, 50), EBADF);
    _exit(0);
  }
  peer_hear(&child);
  lower(RLIMIT_NOFILE, 333, RLIM_INFINITY);
  lower(RLIMIT_CPU, 4000, RLIM_INFINITY);
  lower(RLIMIT_AS, 1ul << 40, RLIM_INFINITY);
  lower(RLIMIT_MEMLOCK, 65536, RLIM_INFINITY);
  lower(RLIMIT_CORE, 0, RLIM_INFINITY);
  read_all(before);
  STEP("limits");
  check_same(before);
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
