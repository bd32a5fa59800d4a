// A pipe opened again through /proc/self/fd: a second open file on the same pipe, with access and
// flags of its own.
#include "subject.h"

int main(void) {
  int fds[2];
  char path[64], text[16] = {0};
  CHECK_OK(pipe(fds));
  snprintf(path, sizeof path, "/proc/self/fd/%d", fds[0]);
  int writer = (int)CHECK_OK(open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  int both = (int)CHECK_OK(open(path, O_RDWR));
  CHECK_OK(close(fds[1]));
  CHECK_EQ(write(writer, "through", 7), 7);
  STEP("reopened");
  CHECK_EQ(fcntl(writer, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_WRONLY | O_NONBLOCK);
  CHECK_EQ(fcntl(both, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
  CHECK_EQ(read(fds[0], text, sizeof text), 7);
  CHECK_STR(text, "through");
  CHECK_EQ(write(both, "more", 4), 4);
  CHECK_OK(close(writer));
  CHECK_EQ(read(fds[0], text, sizeof text), 4);
  CHECK_OK(close(both));
  CHECK_EQ(read(fds[0], text, sizeof text), 0);  // no writer left
  subject_done();
}
