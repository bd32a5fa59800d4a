// fcntl record locks: ranges and kinds of two processes, as F_GETLK tells them, and a waiter that
// gets its turn.
#include "subject.h"

static struct flock range(int type, off_t start, off_t length) {
  return (struct flock){
      .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

static void expect(int fd, off_t start, off_t length, int type, pid_t owner, off_t at, off_t span) {
  struct flock lock = range(F_WRLCK, start, length);
  CHECK_OK(fcntl(fd, F_GETLK, &lock));
  CHECK_EQ(lock.l_type, type);
  if (type == F_UNLCK) return;
  CHECK_EQ(lock.l_pid, owner);
  CHECK_EQ(lock.l_start, at);
  CHECK_EQ(lock.l_len, span);
}

static void set(int fd, int type, off_t start, off_t length) {
  struct flock lock = range(type, start, length);
  CHECK_OK(fcntl(fd, F_SETLK, &lock));
}

int main(void) {
  int fd = (int)CHECK_OK(open(subject_path("file"), O_RDWR | O_CREAT, 0644));
  set(fd, F_WRLCK, 10, 5);
  set(fd, F_RDLCK, 100, 0);  // to the end, wherever that is
  struct peer child = peer_fork();
  if (child.pid == 0) {
    set(fd, F_WRLCK, 50, 10);
    set(fd, F_RDLCK, 200, 20);
    peer_tell(&child, 0);
    peer_hear(&child);
    expect(fd, 0, 12, F_WRLCK, getppid(), 10, 5);
    expect(fd, 150, 1, F_RDLCK, getppid(), 100, 0);
    expect(fd, 20, 20, F_UNLCK, 0, 0, 0);
    struct flock all = range(F_WRLCK, 0, 20);
    CHECK_OK(fcntl(fd, F_SETLKW, &all));  // waits for the parent
    _exit(0);
  }
  peer_hear(&child);
  STEP("ranges");
  expect(fd, 40, 30, F_WRLCK, child.pid, 50, 10);
  expect(fd, 205, 1, F_RDLCK, child.pid, 200, 20);
  expect(fd, 0, 40, F_UNLCK, 0, 0, 0);
  peer_tell(&child, 0);
  wait_until_blocked(child.pid, child.pid, "fcntl");
  STEP("a waiter");
  wait_until_blocked(child.pid, child.pid, "fcntl");
  set(fd, F_UNLCK, 10, 5);
  peer_end(&child);
  expect(fd, 0, 100, F_UNLCK, 0, 0, 0);
  subject_done();
}
