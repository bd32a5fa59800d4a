// eventfd: the counter, semaphore mode and flags; full, and with a blocked reader.
#include "subject.h"

#include <poll.h>
#include <sys/eventfd.h>

static int empty;
static void* reader(void* arg) {
  eventfd_t value = 0;
  CHECK_OK(eventfd_read(empty, &value));
  return (void*)value;
}

int main(void) {
  int counter = (int)CHECK_OK(eventfd(5, EFD_NONBLOCK | EFD_CLOEXEC));
  int semaphore = (int)CHECK_OK(eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK));
  int full = (int)CHECK_OK(eventfd(0, EFD_NONBLOCK));
  empty = (int)CHECK_OK(eventfd(0, 0));
  CHECK_OK(eventfd_write(counter, 1ull << 40));
  CHECK_OK(eventfd_write(full, 0xfffffffffffffffe));
  struct thread thread;
  thread_start(&thread, reader, NULL);
  wait_until_blocked(getpid(), thread.tid, "read");
  STEP("counters");
  eventfd_t value = 0;
  CHECK_EQ(fcntl(counter, F_GETFD), FD_CLOEXEC);
  CHECK_OK(eventfd_read(counter, &value));
  CHECK_EQ(value, 5 + (1ull << 40));
  CHECK_ERRNO(eventfd_read(counter, &value), EAGAIN);
  for (int i = 0; i < 3; ++i) {
    CHECK_OK(eventfd_read(semaphore, &value));
    CHECK_EQ(value, 1);
  }
  CHECK_ERRNO(eventfd_read(semaphore, &value), EAGAIN);
  struct pollfd poll_fd = {.fd = full, .events = POLLIN | POLLOUT};
  CHECK_EQ(poll(&poll_fd, 1, 0), 1);
  CHECK_EQ(poll_fd.revents, POLLIN);
  CHECK_ERRNO(eventfd_write(full, 1), EAGAIN);
  CHECK_OK(eventfd_read(full, &value));
  CHECK_EQ(value, 0xfffffffffffffffe);
  CHECK_OK(eventfd_write(empty, 77));
  CHECK_EQ(thread_join(&thread), (void*)77);
  subject_done();
}
