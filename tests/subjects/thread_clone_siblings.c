// Processes that share memory, descriptors or folders with somebody who is not their parent: made
// for the parent of their maker (CLONE_PARENT), or by somebody who has ended since.
#include "subject.h"

static char stacks[8][64 * 1024] __attribute__((aligned(16)));

struct shared {
  atomic_int ready, step, opened, results[8], pids[8];
};
static struct shared* shared;
static volatile int in_memory;

static void wait_for(int step) {
  while (shared->step < step) nap_ms(2);
}

// The one opens it, and the other finds it open.
static int shares_descriptors(int number) {
  if (number == 0) {
    int fd = open("/dev/null", O_RDONLY);
    if (dup2(fd, 150) != 150) return 1;
    close(fd);
    return 0;
  }
  return fcntl(150, F_GETFD) == 0 ? 0 : 2;
}

struct sharer {
  int flags, number, stack;
};

static int live(void* arg) {
  const struct sharer* sharer = arg;
  shared->pids[sharer->number] = getpid();
  ++shared->ready;
  wait_for(1);
  int result = 0;
  char text[PATH_MAX];
  if ((sharer->flags & CLONE_VM) != 0 && in_memory != 77) result = 10;
  if ((sharer->flags & CLONE_FILES) != 0 && shares_descriptors(1) != 0) result = 11;
  if ((sharer->flags & CLONE_FILES) == 0 && fcntl(150, F_GETFD) >= 0) result = 12;
  if (getcwd(text, sizeof text) == NULL) result = 13;
  if (strcmp(text, (sharer->flags & CLONE_FS) != 0 ? "/usr" : "/") != 0) result = 14;
  shared->results[sharer->number] = result + 100;
  wait_for(2);
  return 3;
}

static int make_orphan(void* arg) {
  const struct sharer* sharer = arg;
  char* stack = stacks[sharer->stack] + sizeof stacks[0];
  return clone(live, stack, sharer->flags | SIGCHLD, arg) > 0 ? 0 : 1;
}

// Its maker shares the same with us, and ends.
static void have_orphan(const struct sharer* sharer) {
  char* stack = stacks[sharer->stack - 1] + sizeof stacks[0];
  reap_ok((pid_t)CHECK_OK(clone(make_orphan, stack, sharer->flags | SIGCHLD, (void*)sharer)));
}

static struct sharer orphans[3] = {{CLONE_FILES, 0, 1}, {CLONE_FS, 1, 3}, {CLONE_VM, 2, 5}};
static struct sharer siblings[2] = {{CLONE_VM | CLONE_FS, 3, 6}, {CLONE_FILES, 4, 7}};

static void use_shared(void) {
  in_memory = 77;
  CHECK_EQ(shares_descriptors(0), 0);
  CHECK_OK(chdir("/usr"));
}

// Makes them for its parent.
static void parent_of_nobody(struct peer* peer) {
  for (int i = 0; i < 2; ++i)
    CHECK_OK(clone(live, stacks[siblings[i].stack] + sizeof stacks[0],
                   siblings[i].flags | CLONE_PARENT | SIGCHLD, &siblings[i]));
  peer_tell(peer, 0);
  peer_hear(peer);
  use_shared();
  peer_tell(peer, 0);
  peer_hear(peer);
}

int main(void) {
  CHECK_OK(chdir("/"));
  shared = CHECK_MAP(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  struct peer peer = peer_fork();
  if (peer.pid == 0) {
    parent_of_nobody(&peer);
    _exit(0);
  }
  peer_hear(&peer);
  for (int i = 0; i < 3; ++i) have_orphan(&orphans[i]);
  wait_until_flag(&shared->ready, 5);
  STEP("shared with others than parents");
  use_shared();
  peer_tell(&peer, 0);
  peer_hear(&peer);
  shared->step = 1;
  for (int i = 0; i < 5; ++i) wait_until(shared->results[i] != 0);
  for (int i = 0; i < 5; ++i) CHECK_EQ(shared->results[i], 100);
  STEP("used");
  shared->step = 2;
  for (int i = 3; i < 5; ++i) CHECK_EQ(reap(shared->pids[i]), 3 << 8);
  peer_tell(&peer, 0);
  peer_end(&peer);
  subject_done();
}
