// A folder half read: its position is kept, the rest comes without loss or repetition, rewinding
// works.
#include "subject.h"

#include <dirent.h>

enum { kCount = 300 };
struct entry {
  uint64_t ino;
  int64_t off;
  unsigned short size;
  unsigned char type;
  char name[];
};

static int seen[kCount];
static int read_some(int fd, size_t size) {  // returns how many entries came
  char buffer[32768];
  long n = CHECK_OK(syscall(SYS_getdents64, fd, buffer, size));
  int count = 0;
  for (long at = 0; at < n;) {
    struct entry* entry = (struct entry*)(buffer + at);
    at += entry->size;
    ++count;
    int index;
    if (sscanf(entry->name, "entry-%d", &index) == 1) ++seen[index];
  }
  return count;
}

int main(void) {
  char path[64];
  CHECK_OK(mkdir(subject_path("folder"), 0755));
  for (int i = 0; i < kCount; ++i) {
    snprintf(path, sizeof path, "folder/entry-%d", i);
    write_text(subject_path(path), "");
  }
  int fd = (int)CHECK_OK(open(subject_path("folder"), O_RDONLY | O_DIRECTORY));
  CHECK(read_some(fd, 2000) > 0);
  off_t position = lseek(fd, 0, SEEK_CUR);
  STEP("half read");
  CHECK_EQ(lseek(fd, 0, SEEK_CUR), position);
  while (read_some(fd, 3000) > 0) {
  }
  for (int i = 0; i < kCount; ++i)
    if (seen[i] != 1) FAIL("entry %d came %d times", i, seen[i]);
  STEP("at its end");
  CHECK_EQ(read_some(fd, 3000), 0);
  CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
  CHECK(read_some(fd, 32768) > 0);
  subject_done();
}
