// An IPC namespace in which nobody lives, held open by a descriptor: what is in it is there when
// somebody enters it again; and a semaphore that is blocked on, and undone, inside another.
#include "subject.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { kKey = 0x5eed };

static struct peer start(void) {
  struct peer child = peer_fork();
  if (child.pid != 0) return child;
  CHECK_OK(unshare(CLONE_NEWIPC));
  int set = (int)CHECK_OK(semget(kKey, 2, IPC_CREAT | IPC_EXCL | 0600));
  struct peer taker = peer_fork();
  if (taker.pid == 0) {
    struct sembuf give = {0, 3, SEM_UNDO};
    CHECK_OK(semop(set, &give, 1));
    peer_tell(&taker, 0);
    peer_hear(&taker);
    _exit(0);
  }
  peer_hear(&taker);
  struct peer waiter = peer_fork();
  if (waiter.pid == 0) {
    struct sembuf take = {1, -1, 0};
    peer_tell(&waiter, 0);
    CHECK_OK(semop(set, &take, 1));
    _exit(0);
  }
  peer_hear(&waiter);
  wait_until_blocked(waiter.pid, waiter.pid, "any");
  peer_tell(&child, 0);
  peer_hear(&child);
  CHECK_EQ(semctl(set, 0, GETVAL), 3);
  wait_until(semctl(set, 1, GETNCNT) == 1);  // it waits again
  struct sembuf give = {1, 1, 0};
  CHECK_OK(semop(set, &give, 1));
  peer_end(&waiter);
  peer_tell(&taker, 0);
  peer_end(&taker);
  CHECK_EQ(semctl(set, 0, GETVAL), 0);
  _exit(0);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  int home = (int)CHECK_OK(open("/proc/self/ns/ipc", O_RDONLY));
  CHECK_OK(unshare(CLONE_NEWIPC));
  int held = (int)CHECK_OK(open("/proc/self/ns/ipc", O_RDONLY));
  int segment = (int)CHECK_OK(shmget(kKey, 4096, IPC_CREAT | IPC_EXCL | 0600));
  char* memory = CHECK_MAP(shmat(segment, NULL, 0));
  fill_pattern(memory, 4096, 5);
  CHECK_OK(shmdt(memory));
  mqd_t queue = (mqd_t)CHECK_OK(mq_open("/held", O_RDWR | O_CREAT | O_EXCL, 0600, NULL));
  CHECK_OK(mq_send(queue, "queued", 6, 3));
  CHECK_OK(setns(home, CLONE_NEWIPC));
  struct peer child = start();
  peer_hear(&child);
  STEP("held");
  CHECK_ERRNO(shmget(kKey, 0, 0), ENOENT);
  CHECK_ERRNO(mq_open("/held", O_RDWR), ENOENT);
  char text[16384];
  CHECK_EQ(mq_receive(queue, text, sizeof text, NULL), 6);
  CHECK_MEM(text, "queued", 6);
  CHECK_OK(setns(held, CLONE_NEWIPC));
  CHECK_EQ(shmget(kKey, 0, 0), segment);
  memory = CHECK_MAP(shmat(segment, NULL, 0));
  check_pattern(memory, 4096, 5);
  STEP("entered");
  check_pattern(memory, 4096, 5);
  mqd_t again = (mqd_t)CHECK_OK(mq_open("/held", O_RDWR));
  CHECK_OK(mq_send(again, "x", 1, 0));
  CHECK_EQ(mq_receive(queue, text, sizeof text, NULL), 1);
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
