// What processes that are no threads can share and nobody can give them again: descriptors, folders
// or memory with somebody who is not their parent, and memory when they have children of their own.
#include "subject.h"

static char stacks[7][64 * 1024] __attribute__((aligned(16)));
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

static int have_child(void* arg) {
  pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) _exit(wait_here(NULL));
  wait_here(NULL);
  int status;
  return waitpid(child, &status, 0) == child ? status : 1;
}

int main(void) {
  shared = CHECK_MAP(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  have_orphan((struct orphan){CLONE_FILES, 1});
  have_orphan((struct orphan){CLONE_FS, 3});
  have_orphan((struct orphan){CLONE_VM, 5});
  pid_t parent =
      (pid_t)CHECK_OK(clone(have_child, stacks[6] + sizeof stacks[6], CLONE_VM | SIGCHLD, NULL));
  wait_until_flag(shared, 5);
  subject_expect(kAnyProcess, "shares its descriptors");
  subject_expect(kAnyProcess, "shares its working directory");
  subject_expect(kAnyProcess, "shares its memory");
  subject_expect(kAnyProcess, "without being its thread or child");
  subject_hold();
  shared[1] = 1;
  reap_ok(parent);
  subject_done();
}
