// Session leaders with a terminal that share descriptors, or memory, with their parent: whose
// terminal it is, and who is in its foreground.
#include "subject_pty.h"

static char stacks[2][64 * 1024] __attribute__((aligned(16)));

struct shared {
  atomic_int ready, step;
};
static struct shared* shared;
static struct pty ptys[2];

static void wait_for(int step) {
  while (shared->step < step) nap_ms(2);
}

// No C library calls that need a thread of its own to report: the result tells.
static int leader(void* arg) {
  const int number = (int)(long)arg;
  if (setsid() < 0 || ioctl(ptys[number].slave, TIOCSCTTY, 0) != 0) return 1;
  pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    if (setpgid(0, 0) != 0) _exit(1);
    ++shared->ready;
    wait_for(1);
    _exit(getpgrp() == getpid() ? 3 : 4);
  }
  while (getpgid(child) != child) nap_ms(1);
  if (ioctl(ptys[number].slave, TIOCSPGRP, &child) != 0) return 2;
  ++shared->ready;
  wait_for(1);
  pid_t group = 0, session = 0;
  if (ioctl(ptys[number].slave, TIOCGPGRP, &group) != 0 || group != child) return 5;
  if (ioctl(ptys[number].slave, TIOCGSID, &session) != 0 || session != getpid()) return 6;
  int own = open("/dev/tty", O_RDWR | O_NOCTTY);
  if (own < 0 || close(own) != 0) return 7;
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 3 << 8) return 8;
  return 9;
}

int main(void) {
  shared = CHECK_MAP(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pid_t pids[2];
  for (long i = 0; i < 2; ++i) {
    ptys[i] = open_pty();
    pids[i] = (pid_t)CHECK_OK(clone(leader, stacks[i] + sizeof stacks[0],
                                    (i == 0 ? CLONE_FILES : CLONE_VM) | SIGCHLD, (void*)i));
  }
  wait_until_flag(&shared->ready, 4);
  STEP("led by sharers");
  shared->step = 1;
  for (int i = 0; i < 2; ++i) CHECK_EQ(reap(pids[i]), 9 << 8);
  subject_done();
}
