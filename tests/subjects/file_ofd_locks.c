// Open-file-description locks: owned by the open file, through dup and fork; ranges and kinds are
// kept.
#include "subject.h"

static int lock(int fd, int command, int type, off_t start, off_t length) {
  struct flock lock = {
      .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  int result = fcntl(fd, command, &lock);
  return result < 0 ? result : lock.l_type;
}

int main(void) {
  const char* path = subject_path("file");
  int first = (int)CHECK_OK(open(path, O_RDWR | O_CREAT, 0644)),
      second = (int)CHECK_OK(open(path, O_RDWR));
  int copy = (int)CHECK_OK(dup(first));
  CHECK_OK(lock(first, F_OFD_SETLK, F_WRLCK, 0, 10));
  CHECK_OK(lock(second, F_OFD_SETLK, F_RDLCK, 20, 0));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    peer_hear(&child);
    CHECK_ERRNO(lock(second, F_OFD_SETLK, F_WRLCK, 5, 1), EAGAIN);
    CHECK_OK(lock(copy, F_OFD_SETLK, F_UNLCK, 5, 5));  // the parent's too: one open file
    CHECK_OK(lock(second, F_OFD_SETLK, F_WRLCK, 5, 1));
    _exit(0);
  }
  STEP("open file locks");
  CHECK_EQ(lock(second, F_OFD_GETLK, F_WRLCK, 0, 1), F_WRLCK);
  CHECK_EQ(lock(copy, F_OFD_GETLK, F_WRLCK, 0, 1), F_UNLCK);
  CHECK_ERRNO(lock(first, F_OFD_SETLK, F_WRLCK, 1000, 1), EAGAIN);
  CHECK_EQ(lock(first, F_OFD_SETLK, F_RDLCK, 1000, 1), F_RDLCK);
  peer_tell(&child, 0);
  peer_end(&child);
  CHECK_EQ(lock(first, F_OFD_GETLK, F_WRLCK, 5, 1), F_WRLCK);
  CHECK_EQ(lock(second, F_OFD_GETLK, F_WRLCK, 0, 5), F_WRLCK);
  subject_done();
}
