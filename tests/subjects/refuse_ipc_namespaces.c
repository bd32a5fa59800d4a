// IPC namespaces of the application's own with something in them.
#include "subject.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>

static struct peer start(bool queue) {
  struct peer child = peer_fork();
  if (child.pid != 0) return peer_hear(&child), child;
  CHECK_OK(unshare(CLONE_NEWIPC));
  if (queue)
    CHECK_OK(mq_open("/inner", O_RDWR | O_CREAT | O_EXCL, 0600, NULL));
  else
    CHECK_OK(msgget(IPC_PRIVATE, 0600));
  peer_tell(&child, 0);
  peer_hear(&child);
  _exit(0);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  struct peer object = start(false), queue = start(true);
  subject_expect(kAnyProcess, "ipc namespace of its own, in which there are IPC objects");
  subject_expect(kAnyProcess, "ipc namespace of its own, in which there are IPC objects");
  subject_hold();
  peer_tell(&object, 0), peer_end(&object);
  peer_tell(&queue, 0), peer_end(&queue);
  subject_done();
}
