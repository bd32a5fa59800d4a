// POSIX timers keep their ids, with gaps, and their interval and remaining time; new ones do not
// collide.
#include "subject.h"

typedef int kernel_timer;
enum { kCount = 8 };

static kernel_timer make(void) {
  kernel_timer id = -1;
  struct sigevent event = {.sigev_notify = SIGEV_NONE};
  CHECK_OK(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
  return id;
}

int main(void) {
  kernel_timer ids[kCount];
  for (int i = 0; i < kCount; ++i) ids[i] = make();
  for (int i = 0; i < kCount; ++i) {
    struct itimerspec spec = {.it_value = {1000 + i, 0}, .it_interval = {i, i * 1000}};
    CHECK_OK(syscall(SYS_timer_settime, ids[i], 0, &spec, NULL));
    if (i % 3 == 0) CHECK_OK(syscall(SYS_timer_delete, ids[i]));
  }
  STEP("timers with gaps");
  struct itimerspec now;
  for (int i = 0; i < kCount; ++i) {
    if (i % 3 == 0) {
      CHECK_ERRNO(syscall(SYS_timer_gettime, ids[i], &now), EINVAL);
      continue;
    }
    CHECK_OK(syscall(SYS_timer_gettime, ids[i], &now));
    CHECK_EQ(now.it_interval.tv_sec, i);
    CHECK_EQ(now.it_interval.tv_nsec, i * 1000);
    CHECK_NEAR(now.it_value.tv_sec, 995 + i, 8);
  }
  for (int i = 0; i < kCount; ++i) {
    kernel_timer fresh = make();
    for (int j = 0; j < kCount; ++j) CHECK(j % 3 == 0 || fresh != ids[j]);
  }
  subject_done();
}
