// A SysV segment removed while attached: it lives for those who have it and ends with the last of
// them.
#include "subject.h"

#include <sys/ipc.h>
#include <sys/shm.h>

int main(void) {
  int id = (int)CHECK_OK(shmget(IPC_PRIVATE, 16384, 0600));
  char* map = CHECK_MAP(shmat(id, NULL, 0));
  CHECK_OK(shmctl(id, IPC_RMID, NULL));
  fill_pattern(map, 16384, 1);
  struct peer child = peer_fork();
  if (child.pid == 0) {
    peer_hear(&child);
    map[0] = 'c';
    CHECK_OK(shmdt(map));
    _exit(0);
  }
  STEP("removed, attached");
  check_pattern(map, 16384, 1);
  struct shmid_ds now;
  CHECK_OK(shmctl(id, IPC_STAT, &now));
  CHECK_EQ(now.shm_nattch, 2);
  CHECK_EQ(now.shm_perm.mode & SHM_DEST, SHM_DEST);
  peer_tell(&child, 0);
  peer_end(&child);
  CHECK_EQ(map[0], 'c');
  CHECK_OK(shmdt(map));
  CHECK_ERRNO(shmctl(id, IPC_STAT, &now), EINVAL);
  subject_done();
}
