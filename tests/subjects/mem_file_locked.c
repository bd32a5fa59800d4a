// A file that is mapped, unmodified, and on which the process holds a record lock: both stay.
#include "subject.h"

static int locked_by(int fd) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
  CHECK_OK(fcntl(fd, F_GETLK, &lock));
  return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

int main(void) {
  const size_t page = page_size();
  static char content[4 * 4096];
  fill_pattern(content, sizeof content, 3);
  int fd = (int)CHECK_OK(open(subject_path("file"), O_RDWR | O_CREAT, 0644));
  CHECK_EQ(write(fd, content, sizeof content), sizeof content);
  const char* map = CHECK_MAP(mmap(NULL, 2 * page, PROT_READ, MAP_PRIVATE, fd, (off_t)page));
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
  CHECK_OK(fcntl(fd, F_SETLK, &lock));
  struct peer other = peer_fork();
  if (other.pid == 0) {
    peer_hear(&other);
    peer_tell(&other, locked_by(fd));
    _exit(0);
  }
  STEP("mapped and locked");
  CHECK_MEM(map, content + page, 2 * page);
  peer_tell(&other, 0);
  CHECK_EQ(peer_hear(&other), getpid());
  peer_end(&other);
  subject_done();
}
