// semop in progress in two processes, one waiting to take and one for zero: both stay and then get
// their turn.
#include "subject.h"

#include <sys/ipc.h>
#include <sys/sem.h>

static int id;
static void remove_set(void) { semctl(id, 0, IPC_RMID); }

int main(void) {
  id = (int)CHECK_OK(semget(IPC_PRIVATE, 2, 0600));
  subject_on_exit(remove_set);
  struct sembuf up = {1, 3, 0};
  CHECK_OK(semop(id, &up, 1));
  pid_t pids[2];
  for (int i = 0; i < 2; ++i) {
    pids[i] = (pid_t)CHECK_OK(fork());
    if (pids[i] == 0) {
      struct sembuf operation = {(unsigned short)i, (short)(i == 0 ? -2 : 0), 0};
      CHECK_OK(semop(id, &operation, 1));
      _exit(0);
    }
    wait_until_blocked(pids[i], pids[i], "any");
    wait_until(semctl(id, i, i == 0 ? GETNCNT : GETZCNT) == 1);
  }
  STEP("semop in progress");
  wait_until(semctl(id, 0, GETNCNT) == 1);
  wait_until(semctl(id, 1, GETZCNT) == 1);
  CHECK_EQ(semctl(id, 0, GETVAL), 0);
  CHECK_EQ(semctl(id, 1, GETVAL), 3);
  struct sembuf give = {0, 2, 0}, zero = {1, -3, 0};
  CHECK_OK(semop(id, &give, 1));
  reap_ok(pids[0]);
  CHECK_OK(semop(id, &zero, 1));
  reap_ok(pids[1]);
  CHECK_EQ(semctl(id, 0, GETVAL), 0);
  subject_done();
}
