// POSIX shared memory: the object in /dev/shm, mapped, open, shared, and one unlinked while in use.
#include "subject.h"

static char names[2][40];
static void unlink_all(void) {
  for (int i = 0; i < 2; ++i) shm_unlink(names[i]);
}

int main(void) {
  char* maps[2];
  int fds[2];
  for (int i = 0; i < 2; ++i) {
    snprintf(names[i], sizeof names[i], "/subject-%d-%d", getpid(), i);
    fds[i] = (int)CHECK_OK(shm_open(names[i], O_RDWR | O_CREAT | O_EXCL, 0640));
    CHECK_OK(ftruncate(fds[i], 65536));
    maps[i] = CHECK_MAP(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fds[i], 0));
    fill_pattern(maps[i], 30000, (unsigned)i);
  }
  subject_on_exit(unlink_all);
  CHECK_OK(shm_unlink(names[1]));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    peer_hear(&child);
    for (int i = 0; i < 2; ++i) {
      check_pattern(maps[i], 30000, (unsigned)i);
      maps[i][40000 + i] = 'c';
    }
    _exit(0);
  }
  STEP("mapped");
  for (int i = 0; i < 2; ++i) check_pattern(maps[i], 30000, (unsigned)i);
  int again = (int)CHECK_OK(shm_open(names[0], O_RDWR, 0));
  struct stat st;
  CHECK_OK(fstat(again, &st));
  CHECK_EQ(st.st_mode & 07777, 0640);
  CHECK_EQ(st.st_size, 65536);
  CHECK_ERRNO(shm_open(names[1], O_RDWR, 0), ENOENT);
  peer_tell(&child, 0);
  peer_end(&child);
  char byte = 0;
  for (int i = 0; i < 2; ++i) {
    CHECK_EQ(maps[i][40000 + i], 'c');
    CHECK_EQ(pread(i == 0 ? again : fds[1], &byte, 1, 40000 + i), 1);
    CHECK_EQ(byte, 'c');
  }
  subject_done();
}
