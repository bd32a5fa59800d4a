// umask, per process, and shared by the threads of one.
#include "subject.h"

int main(void) {
  umask(027);
  struct peer child = peer_fork();
  if (child.pid == 0) {
    umask(0371);
    peer_tell(&child, 0);
    peer_hear(&child);
    CHECK_EQ(umask(0), 0371);
    _exit(0);
  }
  peer_hear(&child);
  STEP("umask");
  const char* path = subject_path("made");
  int fd = (int)CHECK_OK(open(path, O_WRONLY | O_CREAT, 0777));
  struct stat st;
  CHECK_OK(fstat(fd, &st));
  CHECK_EQ(st.st_mode & 0777, 0750);
  CHECK_EQ(umask(0), 027);
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
