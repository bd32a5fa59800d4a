// Closed ends: data and then the end of input when the writer is gone, EPIPE and SIGPIPE when the
// reader is.
#include "subject.h"

#include <poll.h>

int main(void) {
  int ended[2], broken[2];
  CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
  CHECK_OK(pipe(ended));
  CHECK_OK(pipe(broken));
  CHECK_EQ(write(ended[1], "last words", 10), 10);
  CHECK_OK(close(ended[1]));
  CHECK_EQ(write(broken[1], "unheard", 7), 7);
  CHECK_OK(close(broken[0]));
  STEP("closed");
  struct pollfd fds[] = {{.fd = ended[0], .events = POLLIN}, {.fd = broken[1], .events = POLLOUT}};
  CHECK_EQ(poll(fds, 2, 0), 2);
  CHECK_EQ(fds[0].revents, POLLIN | POLLHUP);
  CHECK_EQ(fds[1].revents & POLLERR, POLLERR);
  char text[32] = {0};
  CHECK_EQ(read(ended[0], text, 4), 4);
  CHECK_ERRNO(write(broken[1], "x", 1), EPIPE);
  STEP("half drained");
  CHECK_EQ(read(ended[0], text + 4, sizeof text - 4), 6);
  CHECK_STR(text, "last words");
  CHECK_EQ(read(ended[0], text, sizeof text), 0);
  CHECK_ERRNO(write(broken[1], "x", 1), EPIPE);
  subject_done();
}
