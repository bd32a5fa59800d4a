// Processes in one memory that live in namespaces of their own, or in those of their parent, which
// are not the instance's; one has a child, and so has the parent.
#include "subject.h"

#include <sys/ipc.h>
#include <sys/shm.h>

static char stacks[3][64 * 1024] __attribute__((aligned(16)));

struct shared {
  atomic_int ready, step, results[3];
};
static struct shared* shared;

static void wait_for(int step) {
  while (shared->step < step) nap_ms(2);
}

static int has_name(const char* expected) {
  char name[64];
  return gethostname(name, sizeof name) == 0 && strcmp(name, expected) == 0;
}

static long inode_of(pid_t pid, const char* kind) {
  char path[64];
  struct stat info;
  snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, kind);
  return stat(path, &info) == 0 ? (long)info.st_ino : -1;
}

static int name_child(int number, const char* expected) {
  ++shared->ready;
  wait_for(1);
  shared->results[number] = has_name(expected) ? 100 : 1;
  wait_for(2);
  return 0;
}

// In its parent's; has a child of its own there.
static int early(void* arg) {
  pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) _exit(name_child(0, "parents"));
  ++shared->ready;
  wait_for(1);
  const bool right = has_name("parents") && inode_of(getpid(), "net") == inode_of(child, "net") &&
                     inode_of(getpid(), "ipc") == inode_of(getppid(), "ipc");
  shared->results[1] = right ? 100 : 2;
  int status;
  return waitpid(child, &status, 0) == child ? 0 : 4;
}

static int apart(void* arg) {
  if (unshare(CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWIPC) != 0) return 1;
  if (sethostname("apart", 5) != 0 || shmget(77, 4096, IPC_CREAT | 0600) < 0) return 2;
  ++shared->ready;
  wait_for(1);
  const bool right = has_name("apart") && shmget(77, 0, 0) >= 0 &&
                     inode_of(getpid(), "net") != inode_of(getppid(), "net");
  shared->results[2] = right ? 100 : 3;
  return 0;
}

static void parent(void) {
  CHECK_OK(unshare(CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWIPC));
  CHECK_OK(sethostname("parents", 7));
  pid_t pids[2];
  pids[0] = (pid_t)CHECK_OK(
      clone(early, stacks[0] + sizeof stacks[0], CLONE_VM | CLONE_FILES | SIGCHLD, NULL));
  pids[1] = (pid_t)CHECK_OK(clone(apart, stacks[1] + sizeof stacks[0],
                                  CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, NULL));
  ++shared->ready;
  wait_for(1);
  CHECK(has_name("parents"));
  CHECK_ERRNO(shmget(77, 0, 0), ENOENT);
  for (int i = 0; i < 2; ++i) reap_ok(pids[i]);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  shared = CHECK_MAP(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pid_t pid = (pid_t)CHECK_OK(fork());
  if (pid == 0) {
    parent();
    _exit(0);
  }
  wait_until_flag(&shared->ready, 4);
  STEP("in namespaces");
  shared->step = 1;
  for (int i = 0; i < 3; ++i) wait_until(shared->results[i] != 0);
  for (int i = 0; i < 3; ++i) CHECK_EQ(shared->results[i], 100);
  shared->step = 2;
  reap_ok(pid);
  subject_done();
}
