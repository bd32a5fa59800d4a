// O_APPEND from two processes with descriptors of their own: nothing is overwritten.
#include "subject.h"

int main(void) {
  const char* path = subject_path("log");
  int fd = (int)CHECK_OK(open(path, O_WRONLY | O_CREAT | O_APPEND, 0644));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    int own = (int)CHECK_OK(open(path, O_WRONLY | O_APPEND));
    CHECK_EQ(write(own, "b", 1), 1);
    peer_tell(&child, 0);
    peer_hear(&child);
    CHECK_EQ(write(own, "d", 1), 1);
    peer_tell(&child, 0);
    _exit(0);
  }
  peer_hear(&child);
  CHECK_EQ(write(fd, "c", 1), 1);
  STEP("appending");
  peer_tell(&child, 0);
  peer_hear(&child);
  CHECK_EQ(write(fd, "e", 1), 1);
  peer_end(&child);
  char text[16];
  read_text(path, text, sizeof text);
  CHECK_STR(text, "bcde");
  subject_done();
}
