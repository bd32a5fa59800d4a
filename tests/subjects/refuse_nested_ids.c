// What pid and user namespaces hold that nobody could make again: a pidfd of somebody who cannot be
// seen from there, a thread that is another user, a priority nobody may take.
#include "subject.h"

#include <sys/resource.h>

static atomic_int go, ready;
static void* be_another(void* arg) {
  (void)arg;
  CHECK_OK(syscall(SYS_setresuid, 5, 5, 5));
  ready = 1;
  wait_until_flag(&go, 1);
  return NULL;
}

static void hold_pidfd(struct peer* child) {
  CHECK_OK(syscall(SYS_pidfd_open, getppid(), 0));
  pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, 0);
  CHECK_OK(pid);
  if (pid == 0)
    for (;;) pause();
  peer_tell(child, 0);
  peer_hear(child);
  CHECK_OK(kill(pid, SIGKILL));
  CHECK_EQ(WTERMSIG(reap(pid)), SIGKILL);
}

static void hold_thread(struct peer* child) {
  struct peer mapper = peer_fork();
  if (mapper.pid == 0) {
    peer_hear(&mapper);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/uid_map", getppid());
    write_text(path, "0 0 1000");
    _exit(0);
  }
  CHECK_OK(unshare(CLONE_NEWUSER));
  peer_tell(&mapper, 0);
  peer_end(&mapper);
  struct thread thread;
  thread_start(&thread, be_another, NULL);
  wait_until_flag(&ready, 1);
  peer_tell(child, 0);
  peer_hear(child);
  atomic_store(&go, 1);
  thread_join(&thread);
}

static void hold_priority(struct peer* child) {
  CHECK_OK(setpriority(PRIO_PROCESS, 0, -5));
  CHECK_OK(unshare(CLONE_NEWUSER));
  peer_tell(child, 0);
  peer_hear(child);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  const peer_body holds[] = {hold_pidfd, hold_thread, hold_priority};
  enum { kCount = sizeof holds / sizeof holds[0] };
  struct peer children[kCount];
  peers_start(children, holds, kCount);
  subject_expect(kAnyProcess, "a pidfd of a process that it cannot see");
  subject_expect(kAnyProcess, "is another user than others");
  subject_expect(kAnyProcess, "a higher priority than anybody");
  subject_hold();
  peers_end(children, kCount);
  subject_done();
}
