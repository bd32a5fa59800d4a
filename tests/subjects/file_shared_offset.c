// dup and fork share one open file (offset and status flags); a second open does not.
#include "subject.h"

int main(void) {
  const char* path = subject_path("file");
  write_text(path, "0123456789abcdefghij");
  int fd = (int)CHECK_OK(open(path, O_RDONLY));
  int copy = (int)CHECK_OK(dup(fd)), other = (int)CHECK_OK(open(path, O_RDONLY));
  int moved = (int)CHECK_OK(fcntl(fd, F_DUPFD_CLOEXEC, 300));
  char byte = 0;
  struct peer child = peer_fork();
  if (child.pid == 0) {
    for (long expected; (expected = peer_hear(&child)) != 0;) {
      CHECK_EQ(read(copy, &byte, 1), 1);
      CHECK_EQ(byte, expected);
      peer_tell(&child, 0);
    }
    CHECK_OK(fcntl(copy, F_SETFL, O_NONBLOCK));
    _exit(0);
  }
  CHECK_EQ(lseek(fd, 3, SEEK_SET), 3);
  CHECK_EQ(lseek(other, 10, SEEK_SET), 10);
  STEP("shared offset");
  peer_tell(&child, '3'), peer_hear(&child);
  CHECK_EQ(read(fd, &byte, 1), 1);
  CHECK_EQ(byte, '4');
  CHECK_EQ(read(moved, &byte, 1), 1);
  CHECK_EQ(byte, '5');
  CHECK_EQ(read(other, &byte, 1), 1);
  CHECK_EQ(byte, 'a');
  CHECK_EQ(fcntl(moved, F_GETFD), FD_CLOEXEC);
  CHECK_EQ(fcntl(fd, F_GETFD), 0);
  STEP("still shared");
  peer_tell(&child, '6'), peer_hear(&child);
  CHECK_EQ(lseek(copy, 0, SEEK_CUR), 7);
  peer_tell(&child, 0);
  peer_end(&child);
  CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  CHECK_EQ(fcntl(other, F_GETFL) & O_NONBLOCK, 0);
  subject_done();
}
