// One timerfd shared by two processes and through dup: who reads first takes the expirations.
#include "subject.h"

#include <sys/timerfd.h>

int main(void) {
  int fd = (int)CHECK_OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  int copy = (int)CHECK_OK(dup(fd));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    uint64_t count = 0;
    peer_hear(&child);
    wait_until(read(fd, &count, sizeof count) == sizeof count);
    CHECK_EQ(count, 1);
    peer_tell(&child, 0);
    _exit(0);
  }
  STEP("shared");
  struct itimerspec spec = {.it_value = {0, 1000000}};
  CHECK_OK(timerfd_settime(copy, 0, &spec, NULL));
  peer_tell(&child, 0);
  peer_hear(&child);
  uint64_t count = 0;
  CHECK_ERRNO(read(fd, &count, sizeof count), EAGAIN);
  CHECK_ERRNO(read(copy, &count, sizeof count), EAGAIN);
  peer_end(&child);
  subject_done();
}
