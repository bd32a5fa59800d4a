// A memfd mapped by two processes and open in both: one object, by memory, by read and by size.
#include "subject.h"

enum { kSize = 96 * 1024 };

int main(void) {
  int fd = (int)CHECK_OK(syscall(SYS_memfd_create, "subject memory", 1 /* MFD_CLOEXEC */));
  CHECK_OK(ftruncate(fd, kSize));
  char* map = CHECK_MAP(mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  char* private_map = CHECK_MAP(mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  fill_pattern(map, kSize / 3, 6);
  private_map[0] = 'p';
  char first = map[0];
  struct peer child = peer_fork();
  if (child.pid == 0) {
    char bytes[5] = {0};
    peer_hear(&child);
    CHECK_EQ(pread(fd, bytes, 4, 70000), 4);
    CHECK_STR(bytes, "down");
    memcpy(map + 80000, "up", 3);
    _exit(0);
  }
  STEP("memfd");
  check_pattern(map, kSize / 3, 6);
  CHECK_EQ(map[0], first);
  CHECK_EQ(private_map[0], 'p');
  CHECK_MEM(private_map + 1, map + 1, kSize / 3);
  char link[64] = {0}, path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  CHECK_OK(readlink(path, link, sizeof link - 1));
  CHECK_STR(link, "/memfd:subject memory (deleted)");
  CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  memcpy(map + 70000, "down", 4);
  peer_tell(&child, 0);
  peer_end(&child);
  CHECK_STR(map + 80000, "up");
  CHECK_OK(ftruncate(fd, 2 * kSize));
  struct stat st;
  CHECK_OK(fstat(fd, &st));
  CHECK_EQ(st.st_size, 2 * kSize);
  subject_done();
}
