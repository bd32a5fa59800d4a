// timerfd on the monotonic, realtime and boottime clocks: remaining time, interval, absolute ones,
// flags.
#include "subject.h"

#include <sys/timerfd.h>

static const int kClocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME};

int main(void) {
  int relative[3], absolute[3], idle = (int)CHECK_OK(timerfd_create(CLOCK_MONOTONIC, 0));
  for (int i = 0; i < 3; ++i) {
    relative[i] = (int)CHECK_OK(timerfd_create(kClocks[i], TFD_CLOEXEC));
    absolute[i] = (int)CHECK_OK(timerfd_create(kClocks[i], TFD_NONBLOCK));
    struct itimerspec spec = {.it_value = {1000, 0}, .it_interval = {i + 1, 500}};
    CHECK_OK(timerfd_settime(relative[i], 0, &spec, NULL));
    clock_gettime(kClocks[i], &spec.it_value);
    spec.it_value.tv_sec += 2000;
    CHECK_OK(timerfd_settime(absolute[i], TFD_TIMER_ABSTIME, &spec, NULL));
  }
  STEP("armed");
  struct itimerspec now;
  uint64_t count;
  for (int i = 0; i < 3; ++i) {
    CHECK_OK(timerfd_gettime(relative[i], &now));
    CHECK_NEAR(now.it_value.tv_sec, 990, 11);
    CHECK_EQ(now.it_interval.tv_sec, i + 1);
    CHECK_EQ(now.it_interval.tv_nsec, 500);
    CHECK_EQ(fcntl(relative[i], F_GETFD), FD_CLOEXEC);
    CHECK_OK(timerfd_gettime(absolute[i], &now));
    CHECK_NEAR(now.it_value.tv_sec, 1990, 11);
    CHECK_ERRNO(read(absolute[i], &count, sizeof count), EAGAIN);
    struct itimerspec soon = {.it_value = {0, 20000000}};
    CHECK_OK(timerfd_settime(relative[i], 0, &soon, NULL));
  }
  CHECK_OK(timerfd_gettime(idle, &now));
  CHECK_EQ(now.it_value.tv_sec + now.it_value.tv_nsec, 0);
  STEP("about to fire");
  for (int i = 0; i < 3; ++i) {
    CHECK_EQ(read(relative[i], &count, sizeof count), sizeof count);
    CHECK_EQ(count, 1);
  }
  subject_done();
}
