// What processes that are no threads can share and nobody can give them again: descriptors, folders
// or memory with somebody who has neither made them nor has the parent that they have.
#include "subject.h"

static char stacks[6][64 * 1024] __attribute__((aligned(16)));
static atomic_int* shared;  // ready, go

static int wait_here(void* arg) {
  ++shared[0];
  while (shared[1] == 0) nap_ms(2);
  return 0;
}

struct orphan {
  int flags, stack;
};

static int make_orphan(void* arg) {
  const struct orphan* orphan = arg;
  char* stack = stacks[orphan->stack] + sizeof stacks[0];
  return clone(wait_here, stack, orphan->flags, NULL) > 0 ? 0 : 1;
}

// Its maker shares the same with us, and ends.
static void have_orphan(struct orphan orphan) {
  char* stack = stacks[orphan.stack - 1] + sizeof stacks[0];
  reap_ok((pid_t)CHECK_OK(clone(make_orphan, stack, orphan.flags | SIGCHLD, &orphan)));
}

int main(void) {
  shared = CHECK_MAP(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  struct peer peer = peer_fork();
  if (peer.pid == 0) {
    have_orphan((struct orphan){CLONE_FILES, 1});
    have_orphan((struct orphan){CLONE_FS, 3});
    have_orphan((struct orphan){CLONE_VM, 5});
    peer_tell(&peer, 0);
    peer_hear(&peer);
    _exit(0);
  }
  peer_hear(&peer);
  wait_until_flag(shared, 3);
  subject_expect(kAnyProcess, "shares its descriptors");
  subject_expect(kAnyProcess, "shares its working directory");
  subject_expect(kAnyProcess, "shares its memory");
  subject_expect(kAnyProcess, "without being its thread or child");
  subject_hold();
  shared[1] = 1;
  peer_tell(&peer, 0);
  peer_end(&peer);
  subject_done();
}
