// A child of vfork that makes one itself: two wait, one for the other, each with descriptors and a
// folder of its own in one memory.
#include "subject.h"

static int told[2], let[2];
static char stacks[2][65536] __attribute__((aligned(16)));

static int check_at(const char* folder, int number, int other) {
  char text[PATH_MAX];
  if (getcwd(text, sizeof text) == NULL || strcmp(text, folder) != 0) return 30;
  if (fcntl(number, F_GETFD) != 0) return 31;
  return fcntl(other, F_GETFD) < 0 ? 0 : 32;
}

static int inner(void* arg) {
  char byte = 1;
  if (chdir("/usr") != 0 || dup2(told[0], 82) != 82 || close(81) != 0) return 2;
  if (write(told[1], &byte, 1) != 1 || read(let[0], &byte, 1) != 1) return 3;
  const int wrong = check_at("/usr", 82, 81);
  return wrong != 0 ? wrong : 8;
}

static int outer(void* arg) {
  if (chdir("/etc") != 0 || dup2(told[0], 81) != 81 || close(80) != 0) return 4;
  int status = 0;
  pid_t pid = clone(inner, stacks[1] + sizeof stacks[1], CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
  if (waitpid(pid, &status, 0) != pid || status != 8 << 8) return 5;
  const int wrong = check_at("/etc", 81, 80);
  if (wrong != 0 || fcntl(82, F_GETFD) >= 0) return 6;
  return 7;
}

int main(void) {
  char byte = 1;
  subject_dir();
  CHECK_OK(pipe(told));
  CHECK_OK(pipe(let));
  pid_t parent = (pid_t)CHECK_OK(fork());
  if (parent == 0) {
    CHECK_OK(chdir(subject_dir()));
    CHECK_EQ(dup2(told[0], 80), 80);
    pid_t pid = (pid_t)CHECK_OK(
        clone(outer, stacks[0] + sizeof stacks[0], CLONE_VM | CLONE_VFORK | SIGCHLD, NULL));
    CHECK_EQ(reap(pid), 7 << 8);
    CHECK_EQ(check_at(subject_dir(), 80, 81), 0);
    CHECK_ERRNO(fcntl(82, F_GETFD), EBADF);
    _exit(0);
  }
  CHECK_EQ(read(told[0], &byte, 1), 1);
  wait_until_state(parent, parent, 'D');
  STEP("two wait in a row");
  wait_until_state(parent, parent, 'D');
  CHECK_EQ(write(let[1], &byte, 1), 1);
  reap_ok(parent);
  subject_done();
}
