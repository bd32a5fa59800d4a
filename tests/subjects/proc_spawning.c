// Two processes begin one program after the other with vfork, so that most snapshots find somebody
// between vfork and exec.
#include "subject.h"

#include <spawn.h>

static volatile sig_atomic_t end;
static void on_usr1(int signal) { end = signal; }

static void spawn_on(const struct peer* above) {
  CHECK(signal(SIGUSR1, on_usr1) != SIG_ERR);
  peer_tell(above, 0);
  char* const argv[] = {"/bin/true", NULL};
  while (!end) {
    pid_t pid;
    CHECK_EQ(posix_spawn(&pid, argv[0], NULL, NULL, argv, NULL), 0);
    CHECK_EQ(reap(pid), 0);
  }
  _exit(0);
}

int main(void) {
  struct peer spawners[2];
  for (int i = 0; i < 2; ++i) {
    spawners[i] = peer_fork();
    if (spawners[i].pid == 0) spawn_on(&spawners[i]);
    peer_hear(&spawners[i]);
  }
  STEP("spawning");
  STEP("again");
  STEP("and again");
  for (int i = 0; i < 2; ++i) {
    CHECK_OK(kill(spawners[i].pid, SIGUSR1));
    peer_end(&spawners[i]);
  }
  subject_done();
}
