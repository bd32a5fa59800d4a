// flock: held through fork and dup by one open file, exclusive against another; shared locks
// shared.
#include "subject.h"

#include <sys/file.h>

int main(void) {
  const char* path = subject_path("lock");
  int fd = (int)CHECK_OK(open(path, O_RDWR | O_CREAT, 0644));
  int reader = (int)CHECK_OK(open(subject_path("shared"), O_RDWR | O_CREAT, 0644));
  CHECK_OK(flock(fd, LOCK_EX));
  CHECK_OK(flock(reader, LOCK_SH));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    int own = (int)CHECK_OK(open(path, O_RDWR)),
        shared = (int)CHECK_OK(open(subject_path("shared"), O_RDWR));
    CHECK_OK(flock(shared, LOCK_SH));
    peer_tell(&child, 0);
    peer_hear(&child);
    CHECK_ERRNO(flock(own, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    CHECK_ERRNO(flock(own, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    CHECK_ERRNO(flock(shared, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    CHECK_OK(flock(shared, LOCK_SH));  // a failed conversion has lost the lock
    peer_tell(&child, 0);
    peer_hear(&child);  // the parent has closed its descriptor: ours, inherited, holds the lock
    CHECK_ERRNO(flock(own, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    CHECK_OK(flock(fd, LOCK_UN));
    CHECK_OK(flock(own, LOCK_EX | LOCK_NB));
    _exit(0);
  }
  peer_hear(&child);
  STEP("locks");
  peer_tell(&child, 0);
  peer_hear(&child);
  CHECK_ERRNO(flock(reader, LOCK_EX | LOCK_NB), EWOULDBLOCK);  // the child holds it shared too
  CHECK_OK(flock(reader, LOCK_SH));
  CHECK_OK(close(fd));
  peer_tell(&child, 0);
  peer_end(&child);
  CHECK_OK(flock(reader, LOCK_EX | LOCK_NB));
  subject_done();
}
