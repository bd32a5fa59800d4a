// Mapped files that are no longer at their name: one replaced by rename, one deleted; both keep
// their old content.
#include "subject.h"

enum { kSize = 20 * 4096 };

static char* map_new(const char* path, unsigned seed, int prot, int flags) {
  static char bytes[kSize];
  fill_pattern(bytes, kSize, seed);
  int fd = (int)CHECK_OK(open(path, O_RDWR | O_CREAT | O_EXCL, 0644));
  CHECK_EQ(write(fd, bytes, kSize), kSize);
  char* map = CHECK_MAP(mmap(NULL, kSize, prot, flags, fd, 0));
  CHECK_OK(close(fd));
  return map;
}

int main(void) {
  char* replaced = map_new(subject_path("library"), 1, PROT_READ | PROT_EXEC, MAP_PRIVATE);
  char* deleted = map_new(subject_path("deleted"), 2, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  char* shared = map_new(subject_path("shared"), 3, PROT_READ | PROT_WRITE, MAP_SHARED);
  map_new(subject_path("new"), 4, PROT_READ, MAP_PRIVATE);
  CHECK_OK(rename(subject_path("new"), subject_path("library")));
  CHECK_OK(unlink(subject_path("deleted")));
  CHECK_OK(unlink(subject_path("shared")));
  deleted[0] = 'd';
  char* other = shared;
  struct peer child = peer_fork();
  if (child.pid == 0) {
    peer_hear(&child);
    CHECK_EQ(other[100], 's');
    other[101] = 't';
    _exit(0);
  }
  static struct layout before, now;
  layout_read(&before);
  STEP("replaced and deleted");
  layout_read(&now);
  layout_check_same(&now, &before);
  check_pattern(replaced, kSize, 1);
  CHECK_EQ(deleted[0], 'd');
  static char expected[kSize];
  fill_pattern(expected, kSize, 2);
  CHECK_MEM(deleted + 1, expected + 1, kSize - 1);
  check_pattern(shared, kSize, 3);
  shared[100] = 's';
  peer_tell(&child, 0);
  peer_end(&child);
  CHECK_EQ(shared[101], 't');
  subject_done();
}
