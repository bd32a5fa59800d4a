// SysV semaphores: several sets, their ids, keys, values, permissions, last pid; they go on
// working.
#include "subject.h"

#include <sys/ipc.h>
#include <sys/sem.h>

union semun {
  int val;
  struct semid_ds* buf;
  unsigned short* array;
};
static int ids[3];
static void remove_all(void) {
  for (int i = 0; i < 3; ++i) semctl(ids[i], 0, IPC_RMID);
}

int main(void) {
  key_t key = 0x5c000000 + getpid();
  for (int i = 0; i < 3; ++i)
    ids[i] = (int)CHECK_OK(i == 1 ? semget(key, 20, IPC_CREAT | IPC_EXCL | 0660)
                                  : semget(IPC_PRIVATE, i + 1, 0600));
  subject_on_exit(remove_all);
  unsigned short values[20], now[20];
  for (int i = 0; i < 20; ++i) values[i] = (unsigned short)(i * i);
  CHECK_OK(semctl(ids[1], 0, SETALL, (union semun){.array = values}));
  CHECK_OK(semctl(ids[0], 0, SETVAL, (union semun){.val = 32767}));
  struct sembuf operations[] = {{3, -2, 0}, {4, 5, 0}};
  CHECK_OK(semop(ids[1], operations, 2));
  struct semid_ds before, after;
  CHECK_OK(semctl(ids[1], 0, IPC_STAT, (union semun){.buf = &before}));
  STEP("sets");
  CHECK_EQ(semget(key, 0, 0), ids[1]);
  CHECK_OK(semctl(ids[1], 0, IPC_STAT, (union semun){.buf = &after}));
  CHECK_EQ(after.sem_nsems, 20);
  CHECK_EQ(after.sem_perm.mode, before.sem_perm.mode);
  CHECK_EQ(after.sem_perm.__key, before.sem_perm.__key);
  CHECK_OK(semctl(ids[1], 0, GETALL, (union semun){.array = now}));
  values[3] -= 2, values[4] += 5;
  CHECK_MEM(now, values, sizeof values);
  CHECK_EQ(semctl(ids[0], 0, GETVAL), 32767);
  CHECK_EQ(semctl(ids[2], 2, GETVAL), 0);
  struct sembuf take = {5, -26, IPC_NOWAIT};
  CHECK_ERRNO(semop(ids[1], &take, 1), EAGAIN);
  take.sem_op = -25;
  CHECK_OK(semop(ids[1], &take, 1));
  CHECK_ERRNO(semctl(ids[1], 20, GETVAL), EINVAL);
  subject_done();
}
