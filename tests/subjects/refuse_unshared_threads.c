// Threads that have left what their process shares, and one with threads that has sent its children
// elsewhere.
#include "subject.h"

static atomic_int ready, go;

static void* leave(void* arg) {
  long flags = (long)arg;
  if (flags != 0 && unshare((int)flags) != 0) FAIL("unshare");
  ++ready;
  wait_until_flag(&go, 1);
  return NULL;
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  static const struct {
    long flags;
    const char* words;
  } kParts[] = {{CLONE_FILES, "has descriptors of its own"},
                {CLONE_NEWIPC, "has an ipc namespace of its own"},
                {CLONE_NEWNS, "has a mount namespace of its own"},
                {CLONE_NEWPID, "has a pid namespace for its children of its own"}};
  enum { kCount = sizeof kParts / sizeof kParts[0] };
  struct thread threads[kCount];
  for (int i = 0; i < kCount; ++i) {
    thread_start(&threads[i], leave, (void*)kParts[i].flags);
    wait_until_flag(&ready, i + 1);
    subject_expect(kNoDescriptor, kParts[i].words);
  }
  struct peer child = peer_fork();
  if (child.pid == 0) {
    struct thread other;
    thread_start(&other, leave, NULL);
    CHECK_OK(unshare(CLONE_NEWPID));
    peer_tell(&child, 0);
    peer_hear(&child);
    _exit(0);
  }
  peer_hear(&child);
  subject_expect(kAnyProcess, "has threads and has made a pid namespace for its children");
  subject_hold();
  peer_tell(&child, 0);
  peer_end(&child);
  go = 1;
  for (int i = 0; i < kCount; ++i) thread_join(&threads[i]);
  subject_done();
}
