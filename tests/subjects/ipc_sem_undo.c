// SEM_UNDO: what a process took is given back when it dies after the restore, not before.
#include "subject.h"

#include <sys/ipc.h>
#include <sys/sem.h>

static int id;
static void remove_set(void) { semctl(id, 0, IPC_RMID); }

int main(void) {
  id = (int)CHECK_OK(semget(IPC_PRIVATE, 2, 0600));
  subject_on_exit(remove_set);
  struct sembuf up[] = {{0, 5, 0}, {1, 5, 0}};
  CHECK_OK(semop(id, up, 2));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    struct sembuf take[] = {{0, -3, SEM_UNDO}, {1, 2, SEM_UNDO}};
    CHECK_OK(semop(id, take, 2));
    peer_tell(&child, 0);
    peer_hear(&child);
    _exit(0);
  }
  peer_hear(&child);
  STEP("to be undone");
  CHECK_EQ(semctl(id, 0, GETVAL), 2);
  CHECK_EQ(semctl(id, 1, GETVAL), 7);
  peer_tell(&child, 0);
  peer_end(&child);
  CHECK_EQ(semctl(id, 0, GETVAL), 5);
  CHECK_EQ(semctl(id, 1, GETVAL), 5);
  subject_done();
}
