// Processes in one memory that have children of their own: forked ones, one that is dead, one in
// the same memory again with a child in turn; and one that leads a group of others and a session.
#include "subject.h"

static char stacks[4][64 * 1024] __attribute__((aligned(16)));

struct shared {
  atomic_int ready, go;
  atomic_int pids[8];
};
static struct shared* shared;
static volatile int in_memory;  // of all that share it

static void wait_for(int step) {
  while (shared->go < step) nap_ms(2);
}

static pid_t raw_fork(void) { return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }

// With memory of its own. No C library calls that need a thread of its own to report.
static int forked(int number, int group) {
  if (group >= 0 && setpgid(0, group) != 0) return 1;
  in_memory = 100 + number;
  shared->pids[number] = getpid();
  ++shared->ready;
  wait_for(1);
  if (in_memory != 100 + number || getppid() != shared->pids[number - 1]) return 2;
  if (group > 0 && getpgrp() != group) return 3;
  return 40 + number;
}

static int has_child(pid_t pid, int status) {
  int told = 0;
  return waitpid(pid, &told, 0) == pid && told == status << 8;
}

// In the memory of one that is in the memory of the first.
static int inner(void* arg) {
  shared->pids[3] = getpid();
  pid_t pid = raw_fork();
  if (pid == 0) _exit(forked(4, -1));
  ++shared->ready;
  wait_for(2);
  return has_child(pid, 44) && in_memory == 5 ? 50 : 10;
}

static int outer(void* arg) {
  shared->pids[1] = getpid();
  if (chdir("/etc") != 0) return 11;
  pid_t pid = raw_fork();
  if (pid == 0) _exit(forked(2, -1));
  pid_t dead = raw_fork();
  if (dead == 0) _exit(3);
  siginfo_t info;
  if (waitid(P_PID, (id_t)dead, &info, WEXITED | WNOWAIT) != 0) return 12;
  pid_t same = clone(inner, stacks[1] + sizeof stacks[1], CLONE_VM | SIGCHLD, NULL);
  ++shared->ready;
  wait_for(2);
  char text[64];
  if (getcwd(text, sizeof text) == NULL || strcmp(text, "/etc") != 0) return 13;
  if (!has_child(pid, 42) || !has_child(dead, 3) || !has_child(same, 50)) return 14;
  return 51;
}

static int leader(void* arg) {
  if (setsid() < 0) return 15;
  shared->pids[5] = getpid();
  pid_t pid = raw_fork();
  if (pid == 0) _exit(forked(6, 0));
  ++shared->ready;
  wait_for(2);
  if (getsid(pid) != getpid() || getpgid(pid) != pid) return 16;
  return has_child(pid, 46) ? 52 : 17;
}

// In a group that somebody leads who shares no memory with it.
static int member(void* arg) {
  if (setpgid(0, (pid_t)(long)arg) != 0) return 18;
  ++shared->ready;
  wait_for(2);
  return getpgrp() == (pid_t)(long)arg ? 53 : 19;
}

int main(void) {
  shared = CHECK_MAP(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  struct peer other = peer_fork();
  if (other.pid == 0) {
    CHECK_OK(setpgid(0, 0));
    peer_tell(&other, getpgrp());
    peer_hear(&other);
    _exit(0);
  }
  const long group = peer_hear(&other);
  pid_t pids[3];
  pids[0] = (pid_t)CHECK_OK(clone(outer, stacks[0] + sizeof stacks[0], CLONE_VM | SIGCHLD, NULL));
  pids[1] = (pid_t)CHECK_OK(clone(leader, stacks[2] + sizeof stacks[2],
                                  CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, NULL));
  pids[2] = (pid_t)CHECK_OK(
      clone(member, stacks[3] + sizeof stacks[3], CLONE_VM | SIGCHLD, (void*)group));
  in_memory = 5;
  wait_until_flag(&shared->ready, 7);
  STEP("children of their own");
  shared->go = 1;
  for (int i = 2; i <= 6; i += 2) wait_until_state(shared->pids[i], shared->pids[i], 'Z');
  STEP("some are dead");
  shared->go = 2;
  CHECK_EQ(reap(pids[0]), 51 << 8);
  CHECK_EQ(reap(pids[1]), 52 << 8);
  CHECK_EQ(reap(pids[2]), 53 << 8);
  peer_tell(&other, 0);
  peer_end(&other);
  subject_done();
}
