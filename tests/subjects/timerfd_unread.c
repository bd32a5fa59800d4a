// timerfds that have expired but were not read: the count is kept, and an interval one goes on
// counting.
#include "subject.h"

#include <poll.h>
#include <sys/timerfd.h>

int main(void) {
  int once = (int)CHECK_OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  int often = (int)CHECK_OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  struct itimerspec spec = {.it_value = {0, 1000000}};
  CHECK_OK(timerfd_settime(once, 0, &spec, NULL));
  spec.it_interval.tv_nsec = 20000000;
  long long begin = now_ms(CLOCK_MONOTONIC);
  CHECK_OK(timerfd_settime(often, 0, &spec, NULL));
  struct pollfd fds[] = {{.fd = once, .events = POLLIN}, {.fd = often, .events = POLLIN}};
  wait_until(poll(fds, 2, 0) == 2);
  STEP("expired, unread");
  CHECK_EQ(poll(fds, 2, 0), 2);
  uint64_t count = 0;
  CHECK_EQ(read(once, &count, sizeof count), sizeof count);
  CHECK_EQ(count, 1);
  CHECK_ERRNO(read(once, &count, sizeof count), EAGAIN);
  CHECK_EQ(read(often, &count, sizeof count), sizeof count);
  long long due = (now_ms(CLOCK_MONOTONIC) - begin) / 20;
  CHECK_NEAR(count, due, 10 + due / 2);
  wait_until(poll(&fds[1], 1, 0) == 1);
  STEP("expired again");
  CHECK_EQ(read(often, &count, sizeof count), sizeof count);
  CHECK(count >= 1);
  subject_done();
}
