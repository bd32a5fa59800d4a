// A fork tree three deep keeps its pids and its parents.
#include "subject.h"

enum { kDepth = 3, kFan = 2 };

static void grow(int depth, const struct peer* up) {
  struct peer children[kFan];
  int count = depth < kDepth ? kFan : 0;
  for (int i = 0; i < count; ++i) {
    children[i] = peer_fork();
    if (children[i].pid == 0) {
      struct peer self = children[i];
      grow(depth + 1, &self);
      _exit(0);
    }
  }
  for (int i = 0; i < count; ++i) CHECK_EQ(peer_hear(&children[i]), children[i].pid);
  pid_t pid = getpid(), parent = getppid();
  if (up) {
    peer_tell(up, pid);
    peer_hear(up);
  } else {
    STEP("tree");
  }
  CHECK_EQ(getpid(), pid);
  CHECK_EQ(gettid_raw(), pid);
  CHECK_EQ(getppid(), parent);
  for (int i = 0; i < count; ++i) {
    peer_tell(&children[i], 0);
    CHECK_EQ(peer_hear(&children[i]), children[i].pid);
    peer_end(&children[i]);
  }
  if (up) peer_tell(up, pid);
}

int main(void) {
  grow(0, NULL);
  CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
  subject_done();
}
