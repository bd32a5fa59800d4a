// SysV shared memory: ids, keys, size, permissions, attachments (two at once, one read-only),
// content, creator.
#include "subject.h"

#include <sys/ipc.h>
#include <sys/shm.h>

enum { kSize = 50000 };
static int ids[3];
static void remove_all(void) {
  for (int i = 0; i < 3; ++i) shmctl(ids[i], IPC_RMID, NULL);
}

int main(void) {
  key_t key = 0x5b000000 + getpid();
  int dropped = (int)CHECK_OK(shmget(IPC_PRIVATE, 4096, 0600));  // a gap in the ids
  ids[0] = (int)CHECK_OK(shmget(key, kSize, IPC_CREAT | IPC_EXCL | 0640));
  ids[1] = (int)CHECK_OK(shmget(IPC_PRIVATE, 4096, 0600));
  ids[2] = (int)CHECK_OK(shmget(IPC_PRIVATE, 8192, 0600));
  subject_on_exit(remove_all);
  CHECK_OK(shmctl(dropped, IPC_RMID, NULL));
  char* first = CHECK_MAP(shmat(ids[0], NULL, 0));
  char* second = CHECK_MAP(shmat(ids[0], NULL, SHM_RDONLY));
  char* unattached = CHECK_MAP(shmat(ids[1], NULL, 0));
  fill_pattern(first, kSize, 1);
  fill_pattern(unattached, 4096, 2);
  CHECK_OK(shmdt(unattached));
  struct shmid_ds before, now;
  CHECK_OK(shmctl(ids[0], IPC_STAT, &before));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    peer_hear(&child);
    CHECK_EQ(second[7], 'x');
    first[8] = 'y';
    _exit(0);
  }
  STEP("segments");
  CHECK_EQ(shmget(key, 0, 0), ids[0]);
  CHECK_OK(shmctl(ids[0], IPC_STAT, &now));
  CHECK_EQ(now.shm_segsz, kSize);
  CHECK_EQ(now.shm_perm.mode, before.shm_perm.mode);
  CHECK_EQ(now.shm_perm.__key, before.shm_perm.__key);
  CHECK_EQ(now.shm_perm.uid, before.shm_perm.uid);
  CHECK_EQ(now.shm_cpid, before.shm_cpid);
  CHECK_EQ(now.shm_nattch, 4);
  check_pattern(first, kSize, 1);
  check_pattern(second, kSize, 1);
  CHECK_ERRNO(shmctl(dropped, IPC_STAT, &now), EINVAL);
  CHECK_OK(shmctl(ids[2], IPC_STAT, &now));
  first[7] = 'x';
  CHECK_EQ(second[7], 'x');
  peer_tell(&child, 0);
  peer_end(&child);
  CHECK_EQ(second[8], 'y');
  unattached = CHECK_MAP(shmat(ids[1], NULL, 0));
  check_pattern(unattached, 4096, 2);
  CHECK_OK(shmdt(first));
  CHECK_OK(shmctl(ids[0], IPC_STAT, &now));
  CHECK_EQ(now.shm_nattch, 1);
  subject_done();
}
