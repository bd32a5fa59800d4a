// IPC namespaces of the application's own that nobody can enter any more, of which something is
// still used.
#include "subject.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/shm.h>

static struct peer start(bool queue) {
  struct peer child = peer_fork();
  if (child.pid != 0) return peer_hear(&child), child;
  CHECK_OK(unshare(CLONE_NEWIPC));
  if (queue)
    CHECK_OK(mq_open("/inner", O_RDWR | O_CREAT | O_EXCL, 0600, NULL));
  else
    CHECK_MAP(shmat((int)CHECK_OK(shmget(IPC_PRIVATE, 4096, 0600)), NULL, 0));
  CHECK_OK(unshare(CLONE_NEWIPC));
  peer_tell(&child, 0);
  peer_hear(&child);
  _exit(0);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  struct peer segment = start(false), queue = start(true);
  subject_expect(kAnyProcess, "attached, of an IPC namespace in which nobody lives any more");
  subject_expect(kAnyProcess, "/inner open, of an IPC namespace in which nobody lives any more");
  subject_hold();
  peer_tell(&segment, 0), peer_end(&segment);
  peer_tell(&queue, 0), peer_end(&queue);
  subject_done();
}
