// Bare clone(): two processes that share memory, descriptors, folders and signal actions but not
// the thread group.
#include "subject.h"

static char stack[64 * 1024] __attribute__((aligned(16)));
static atomic_int go, ready;
static volatile int value;
static int fds[2];

static int body(void* arg) {
  ready = 1;
  while (!go) nap_ms(2);
  value = 77;                     // same memory
  close(fds[1]);                  // same descriptors
  if (chdir("/") != 0) return 1;  // same folder
  return 5;
}

int main(void) {
  CHECK_OK(chdir(subject_dir()));
  CHECK_OK(pipe(fds));
  int flags = CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | SIGCHLD;
  pid_t pid = (pid_t)CHECK_OK(clone(body, stack + sizeof stack, flags, NULL));
  wait_until_flag(&ready, 1);
  STEP("shared everything");
  go = 1;
  CHECK_EQ(reap(pid), 5 << 8);
  CHECK_EQ(value, 77);
  CHECK_ERRNO(fcntl(fds[1], F_GETFD), EBADF);
  char cwd[PATH_MAX];
  CHECK(getcwd(cwd, sizeof cwd) != NULL);
  CHECK_STR(cwd, "/");
  subject_done();
}
