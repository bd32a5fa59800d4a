// SEM_UNDO of several processes on several sets: up and down, large and small, taken by one thread
// and undone with the last; what has been undone already stays so.
#include "subject.h"

#include <sys/ipc.h>
#include <sys/sem.h>

static int ids[2];
static void remove_sets(void) {
  for (int i = 0; i < 2; ++i) semctl(ids[i], 0, IPC_RMID);
}

static void change(int set, unsigned short semaphore, short by, short flags) {
  struct sembuf one = {semaphore, by, flags};
  CHECK_OK(semop(ids[set], &one, 1));
}

static void* in_thread(void* arg) {
  change(1, 69, -9, SEM_UNDO);
  return arg;
}

int main(void) {
  ids[0] = (int)CHECK_OK(semget(IPC_PRIVATE, 1, 0600));
  ids[1] = (int)CHECK_OK(semget(IPC_PRIVATE, 70, 0600));
  subject_on_exit(remove_sets);
  change(0, 0, 32767, 0);
  change(1, 69, 10, 0);
  change(1, 3, 1, SEM_UNDO);
  struct peer children[2];
  for (int i = 0; i < 2; ++i) {
    children[i] = peer_fork();
    if (children[i].pid != 0) {
      peer_hear(&children[i]);
      continue;
    }
    if (i == 0) {
      change(0, 0, -32767, SEM_UNDO);
      change(1, 0, 32767, SEM_UNDO);
    } else {
      struct thread thread;
      thread_start(&thread, in_thread, NULL);
      thread_join(&thread);
      change(1, 51, 300, SEM_UNDO);
      change(1, 51, -300, SEM_UNDO);
    }
    peer_tell(&children[i], 0);
    peer_hear(&children[i]);
    _exit(0);
  }
  STEP("to be undone");
  CHECK_EQ(semctl(ids[0], 0, GETVAL), 0);
  CHECK_EQ(semctl(ids[1], 0, GETVAL), 32767);
  CHECK_EQ(semctl(ids[1], 69, GETVAL), 1);
  peer_tell(&children[0], 0);
  peer_end(&children[0]);
  CHECK_EQ(semctl(ids[0], 0, GETVAL), 32767);
  CHECK_EQ(semctl(ids[1], 0, GETVAL), 0);
  CHECK_EQ(semctl(ids[1], 69, GETVAL), 1);
  STEP("one is");
  peer_tell(&children[1], 0);
  peer_end(&children[1]);
  CHECK_EQ(semctl(ids[1], 69, GETVAL), 10);
  CHECK_EQ(semctl(ids[1], 51, GETVAL), 0);
  CHECK_EQ(semctl(ids[1], 3, GETVAL), 1);
  subject_done();
}
