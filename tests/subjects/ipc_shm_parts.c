// SysV attachments in pieces: the first segment of all (id 0), a hole, changed protections, a moved
// and a read-only one; nattch counts as before. An owner who is not the creator.
#include "subject.h"

#include <sys/ipc.h>
#include <sys/shm.h>

enum { kPage = 4096, kSize = 8 * kPage };
static int ids[2];
static void remove_all(void) {
  for (int i = 0; i < 2; ++i) shmctl(ids[i], IPC_RMID, NULL);
}

int main(void) {
  for (int i = 0; i < 2; ++i) ids[i] = (int)CHECK_OK(shmget(IPC_PRIVATE, kSize, 0600));
  subject_on_exit(remove_all);
  char* parts = CHECK_MAP(shmat(ids[0], NULL, 0));
  char* only_read = CHECK_MAP(shmat(ids[0], NULL, SHM_RDONLY));
  fill_pattern(parts, kSize, 3);
  CHECK_OK(munmap(parts + 3 * kPage, kPage));
  CHECK_OK(mprotect(parts + kPage, kPage, PROT_READ));
  char* moved = mremap(parts + 6 * kPage, 2 * kPage, 2 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED,
                       parts + 64 * kPage);
  CHECK_MAP(moved);
  struct shmid_ds before, now;
  CHECK_OK(shmctl(ids[1], IPC_STAT, &before));
  before.shm_perm.uid = 12, before.shm_perm.gid = 34, before.shm_perm.mode = 0751;
  CHECK_OK(shmctl(ids[1], IPC_SET, &before));
  CHECK_OK(shmctl(ids[0], IPC_STAT, &before));
  STEP("in parts");
  CHECK_OK(shmctl(ids[0], IPC_STAT, &now));
  CHECK_EQ(now.shm_nattch, before.shm_nattch);
  CHECK_EQ(moved[0], only_read[6 * kPage]);
  check_pattern(only_read, kSize, 3);
  moved[5] = 'm', parts[5] = 'p', parts[4 * kPage + 1] = 'q';
  CHECK_EQ(only_read[6 * kPage + 5], 'm');
  CHECK_EQ(only_read[5], 'p');
  CHECK_EQ(only_read[4 * kPage + 1], 'q');
  CHECK_ERRNO(mprotect(only_read, kSize, PROT_READ | PROT_WRITE), EACCES);
  CHECK_OK(mprotect(parts + kPage, kPage, PROT_READ | PROT_WRITE));
  CHECK_OK(shmctl(ids[1], IPC_STAT, &now));
  CHECK_EQ(now.shm_perm.uid, 12);
  CHECK_EQ(now.shm_perm.gid, 34);
  CHECK_EQ(now.shm_perm.cuid, getuid());
  CHECK_EQ(now.shm_perm.mode & 0777, 0751);
  CHECK_EQ(now.shm_nattch, 0);
  CHECK_OK(shmdt(only_read));
  CHECK_OK(shmctl(ids[0], IPC_STAT, &now));
  CHECK_EQ(now.shm_nattch, before.shm_nattch - 1);
  subject_done();
}
