// What processes that are no threads can share and nobody can give them again: descriptors or
// folders without memory, memory with somebody who is not their parent, and children of their own.
#include "subject.h"

static char stacks[6][64 * 1024] __attribute__((aligned(16)));
static atomic_int* shared;  // ready, go

static int wait_here(void* arg) {
  ++shared[0];
  while (shared[1] == 0) nap_ms(2);
  return 0;
}

static int make_orphan(void* arg) {
  return clone(wait_here, stacks[3] + sizeof stacks[3], CLONE_VM, NULL) > 0 ? 0 : 1;
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
  pid_t files =
      (pid_t)CHECK_OK(clone(wait_here, stacks[0] + sizeof stacks[0], CLONE_FILES | SIGCHLD, NULL));
  pid_t folders =
      (pid_t)CHECK_OK(clone(wait_here, stacks[1] + sizeof stacks[1], CLONE_FS | SIGCHLD, NULL));
  pid_t maker =
      (pid_t)CHECK_OK(clone(make_orphan, stacks[2] + sizeof stacks[2], CLONE_VM | SIGCHLD, NULL));
  reap_ok(maker);
  pid_t parent =
      (pid_t)CHECK_OK(clone(have_child, stacks[4] + sizeof stacks[4], CLONE_VM | SIGCHLD, NULL));
  wait_until_flag(shared, 5);
  subject_expect(kAnyProcess, "shares its descriptors");
  subject_expect(kAnyProcess, "shares its working directory");
  subject_expect(kAnyProcess, "without being its thread or child");
  subject_hold();
  shared[1] = 1;
  reap_ok(files);
  reap_ok(folders);
  reap_ok(parent);
  subject_done();
}
