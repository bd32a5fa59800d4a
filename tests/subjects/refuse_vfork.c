// Children of vfork that could not be born again by who waits for them: with a child of their own,
// or followed by a pidfd.
#include "subject.h"

static char stacks[3][65536] __attribute__((aligned(16)));
static atomic_int* shared;  // ready, go

static int wait_here(void* arg) {
  ++shared[0];
  while (shared[1] == 0) nap_ms(2);
  return 0;
}

static int have_child(void* arg) {
  pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) _exit(wait_here(NULL));
  wait_here(NULL);
  int status;
  return waitpid(child, &status, 0) == child ? status : 1;
}

// Its parent waits for it in vfork.
static struct peer begin(int stack, int flags, int (*body)(void*)) {
  struct peer parent = {.pid = (pid_t)CHECK_OK(fork())};
  if (parent.pid != 0) return parent;
  pid_t pid = (pid_t)CHECK_OK(
      clone(body, stacks[stack] + sizeof stacks[stack], flags | CLONE_VFORK | SIGCHLD, NULL));
  _exit(reap(pid) == 0 ? 0 : 1);
}

static pid_t child_of(pid_t parent) {
  char path[64], text[64];
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", parent, parent);
  read_text(path, text, sizeof text);
  return atoi(text);
}

int main(void) {
  shared = CHECK_MAP(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  struct peer with_child = begin(1, CLONE_VM, have_child);
  struct peer followed = begin(2, CLONE_VM, wait_here);
  wait_until_flag(shared, 3);
  (void)CHECK_OK(syscall(SYS_pidfd_open, child_of(followed.pid), 0));
  subject_expect(kAnyProcess, "has children for which it does not wait so");
  subject_expect(kAnyProcess, "somebody holds a file about it");
  subject_hold();
  shared[1] = 1;
  reap_ok(with_child.pid), reap_ok(followed.pid);
  subject_done();
}
