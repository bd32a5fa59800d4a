// One eventfd shared by processes and dup is one counter; another is another.
#include "subject.h"

#include <sys/eventfd.h>

int main(void) {
  int fd = (int)CHECK_OK(eventfd(1, EFD_NONBLOCK)),
      other = (int)CHECK_OK(eventfd(100, EFD_NONBLOCK));
  int copy = (int)CHECK_OK(dup(fd));
  eventfd_t value = 0;
  struct peer child = peer_fork();
  if (child.pid == 0) {
    peer_hear(&child);
    CHECK_OK(eventfd_read(copy, &value));
    CHECK_EQ(value, 11);
    CHECK_OK(eventfd_write(fd, 5));
    _exit(0);
  }
  STEP("shared");
  CHECK_OK(eventfd_write(fd, 10));
  peer_tell(&child, 0);
  peer_end(&child);
  CHECK_OK(eventfd_read(copy, &value));
  CHECK_EQ(value, 5);
  CHECK_OK(eventfd_read(other, &value));
  CHECK_EQ(value, 100);
  subject_done();
}
