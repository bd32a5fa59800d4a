// A named FIFO open in two processes, with data in it; opened again afterwards; one whose name is
// gone.
#include "subject.h"

int main(void) {
  const char* path = subject_path("fifo");
  char text[32] = {0};
  CHECK_OK(mkfifo(path, 0600));
  CHECK_OK(mkfifo(subject_path("gone"), 0600));
  int reader = (int)CHECK_OK(open(path, O_RDONLY | O_NONBLOCK));
  int nameless = (int)CHECK_OK(open(subject_path("gone"), O_RDWR));
  CHECK_EQ(write(nameless, "nameless", 8), 8);
  CHECK_OK(unlink(subject_path("gone")));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    close(reader);
    int writer = (int)CHECK_OK(open(path, O_WRONLY));
    CHECK_EQ(write(writer, "first", 5), 5);
    peer_tell(&child, 0);
    peer_hear(&child);
    CHECK_EQ(write(writer, "second", 6), 6);
    _exit(0);
  }
  peer_hear(&child);
  STEP("fifo");
  CHECK_EQ(read(reader, text, sizeof text), 5);
  CHECK_STR(text, "first");
  CHECK_ERRNO(read(reader, text, 1), EAGAIN);  // the writer is there
  int again = (int)CHECK_OK(open(path, O_WRONLY | O_NONBLOCK));
  CHECK_EQ(write(again, "third", 5), 5);
  CHECK_OK(close(again));
  peer_tell(&child, 0);
  peer_end(&child);
  CHECK_EQ(read(reader, text, sizeof text), 11);
  CHECK_MEM(text, "thirdsecond", 11);
  CHECK_EQ(read(reader, text, sizeof text), 0);
  CHECK_EQ(read(nameless, text, sizeof text), 8);
  CHECK_MEM(text, "nameless", 8);
  CHECK_EQ(fcntl(nameless, F_GETFL) & O_ACCMODE, O_RDWR);
  subject_done();
}
