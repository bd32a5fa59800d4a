// A child of vfork that takes its time before it begins a program; its parent waits in the kernel.
#include "subject.h"

static char stack[65536] __attribute__((aligned(16)));

static int body(void* arg) {
  const struct peer* above = arg;
  char byte = 1;
  if (write(above->tell, &byte, 1) != 1) return 1;
  return read(above->hear, &byte, 1) == 1 ? 7 : 1;
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
        clone(body, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &above));
    _exit(reap(pid) == 7 << 8 ? 0 : 1);
  }
  CHECK_EQ(read(tell[0], &byte, 1), 1);
  subject_expect(kAnyProcess, "shares its memory");
  subject_hold();
  CHECK_EQ(write(hear[1], &byte, 1), 1);
  reap_ok(parent);
  subject_done();
}
