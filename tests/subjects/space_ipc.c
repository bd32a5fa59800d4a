// An IPC namespace of the application's own without anything in it: what others have is not seen
// there, and what is made there is not seen by others.
#include "subject.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/sem.h>

enum { kKey = 0x5eed };

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  if (subject_cycles() == 0) CHECK_OK(unshare(CLONE_NEWIPC));
  int outside = (int)CHECK_OK(semget(kKey, 1, IPC_CREAT | IPC_EXCL | 0600));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    CHECK_OK(unshare(CLONE_NEWIPC));
    peer_tell(&child, 0);
    peer_hear(&child);
    CHECK_ERRNO(semget(kKey, 1, 0), ENOENT);
    int set = (int)CHECK_OK(semget(kKey, 2, IPC_CREAT | IPC_EXCL | 0600));
    mqd_t queue = mq_open("/inner", O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
    CHECK_OK(queue);
    CHECK_OK(mq_unlink("/inner"));
    CHECK_OK(semctl(set, 0, IPC_RMID));
    CHECK_OK(mq_close(queue));
    peer_tell(&child, 0);
    peer_hear(&child);
    _exit(0);
  }
  peer_hear(&child);
  STEP("empty");
  peer_tell(&child, 0);
  peer_hear(&child);
  STEP("emptied");
  CHECK_EQ(semget(kKey, 1, 0), outside);
  CHECK_OK(semctl(outside, 0, IPC_RMID));
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
