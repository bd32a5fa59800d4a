// A shared file mapping: what is written through it, before and after, is in the file, and the
// reverse.
#include "subject.h"

enum { kSize = 64 * 1024 };

int main(void) {
  static char bytes[kSize];
  const char* path = subject_path("file");
  int fd = (int)CHECK_OK(open(path, O_RDWR | O_CREAT, 0644));
  CHECK_OK(ftruncate(fd, kSize));
  char* map = CHECK_MAP(mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  fill_pattern(map, kSize / 2, 1);
  struct peer child = peer_fork();
  if (child.pid == 0) {
    peer_hear(&child);
    check_pattern(map + kSize / 2, kSize / 4, 2);
    map[kSize - 1] = 'c';
    _exit(0);
  }
  STEP("written, not synced");
  check_pattern(map, kSize / 2, 1);
  CHECK_EQ(pread(fd, bytes, kSize, 0), kSize);
  check_pattern(bytes, kSize / 2, 1);
  fill_pattern(map + kSize / 2, kSize / 4, 2);
  peer_tell(&child, 0);
  peer_end(&child);
  CHECK_OK(msync(map, kSize, MS_SYNC));
  CHECK_EQ(pwrite(fd, "by write", 8, 100), 8);
  CHECK_MEM(map + 100, "by write", 8);
  STEP("synced");
  int other = (int)CHECK_OK(open(path, O_RDONLY));
  CHECK_EQ(pread(other, bytes, kSize, 0), kSize);
  check_pattern(bytes + kSize / 2, kSize / 4, 2);
  CHECK_EQ(bytes[kSize - 1], 'c');
  CHECK_MEM(bytes + 100, "by write", 8);
  CHECK_MEM(map, bytes, kSize);
  subject_done();
}
