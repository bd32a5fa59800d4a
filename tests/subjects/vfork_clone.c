// A child of vfork with a stack of its own, that takes its time before it ends; with the actions of
// its parent, and its descriptors.
#include "subject.h"

static char stack[65536] __attribute__((aligned(16)));
static volatile int opened;

static int body(void* arg) {
  const struct peer* above = arg;
  char byte = 1;
  opened = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (write(above->tell, &byte, 1) != 1) return 1;
  if (read(above->hear, &byte, 1) != 1) return 2;
  return signal(SIGUSR1, SIG_IGN) == SIG_DFL ? 7 : 3;
}

int main(void) {
  int tell[2], hear[2];
  char byte = 1;
  CHECK_OK(pipe(tell));
  CHECK_OK(pipe(hear));
  pid_t parent = (pid_t)CHECK_OK(fork());
  if (parent == 0) {
    struct peer above = {.tell = tell[1], .hear = hear[0]};
    pid_t pid = (pid_t)CHECK_OK(
        clone(body, stack + sizeof stack,
              CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | SIGURG, &above));
    int status = 0;
    CHECK_EQ(waitpid(pid, &status, __WALL), pid);
    CHECK_EQ(status, 7 << 8);
    CHECK(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
    CHECK_EQ(fcntl(opened, F_GETFD), FD_CLOEXEC);
    _exit(0);
  }
  CHECK_EQ(read(tell[0], &byte, 1), 1);
  wait_until_state(parent, parent, 'D');
  STEP("waits");
  CHECK_EQ(write(hear[1], &byte, 1), 1);
  reap_ok(parent);
  subject_done();
}
