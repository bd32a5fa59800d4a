// Folders of /proc that are being read: the rest comes, and after a rewind everything again.
#include "subject.h"

#include <dirent.h>

struct entry {
  ino64_t inode;
  off64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

// Entries that are left, up to `most` bytes at once.
static int rest(int fd, size_t most) {
  char buffer[4096];
  int count = 0;
  ssize_t got = CHECK_OK(syscall(SYS_getdents64, fd, buffer, most));
  for (ssize_t at = 0; at < got; at += ((struct entry*)(buffer + at))->length) ++count;
  return count;
}

int main(void) {
  int fds = (int)CHECK_OK(open("/proc/self/fd", O_RDONLY | O_DIRECTORY));
  int self = (int)CHECK_OK(open("/proc/self", O_RDONLY | O_DIRECTORY));
  int proc = (int)CHECK_OK(open("/proc", O_RDONLY | O_DIRECTORY));
  for (int fd = 10; fd < 20; ++fd) CHECK_OK(dup2(0, fd));
  int total = rest(fds, 4096);
  CHECK_OK(lseek(fds, 0, SEEK_SET));
  int some = rest(fds, 100);
  CHECK(some > 0 && some < total);
  CHECK(rest(self, 200) > 0);
  CHECK(rest(proc, 200) > 0);
  off_t in_self = lseek(self, 0, SEEK_CUR), in_proc = lseek(proc, 0, SEEK_CUR);
  STEP("in the middle");
  CHECK_EQ(rest(fds, 4096), total - some);
  CHECK_OK(lseek(fds, 0, SEEK_SET));
  CHECK_EQ(rest(fds, 4096), total);
  CHECK_EQ(lseek(self, 0, SEEK_CUR), in_self);
  CHECK_EQ(lseek(proc, 0, SEEK_CUR), in_proc);
  CHECK(rest(self, 4096) > 10);
  CHECK(rest(proc, 4096) > 10);
  STEP("at the end");
  CHECK_EQ(rest(fds, 4096), 0);
  subject_done();
}
