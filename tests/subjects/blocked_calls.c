// read, futex, wait4, waitid, pause and flock in progress, in processes of their own: none returns
// by the restore.
#include "subject.h"

#include <linux/futex.h>
#include <sys/file.h>

enum { kRead, kFutex, kWait4, kWaitid, kPause, kFlock, kCount };
static const char* const kCalls[] = {"read", "futex", "wait4", "waitid", "pause", "flock"};
struct shared {
  atomic_int word, returned[kCount];
};
static struct shared* shared;
static int fds[2];
static volatile sig_atomic_t handled;
static void handler(int signo) { handled = 1; }

static void run(int which, const struct peer* self) {
  pid_t child = -1;
  siginfo_t info;
  char byte;
  int own = (int)CHECK_OK(open(subject_path("lock"), O_RDWR));
  if (which == kWait4 || which == kWaitid) {
    child = (pid_t)CHECK_OK(fork());
    if (child == 0) {
      pause();
      _exit(0);
    }
  }
  peer_tell(self, child);
  if (which == kRead) CHECK_EQ(read(fds[0], &byte, 1), 1);
  if (which == kFutex) CHECK_OK(syscall(SYS_futex, &shared->word, FUTEX_WAIT, 0, NULL, NULL, 0));
  if (which == kWait4) CHECK_EQ(syscall(SYS_wait4, -1, NULL, 0, NULL), child);
  if (which == kWaitid) CHECK_OK(syscall(SYS_waitid, P_ALL, 0, &info, WEXITED, NULL));
  if (which == kPause) CHECK_ERRNO(pause(), EINTR);
  if (which == kFlock) CHECK_OK(flock(own, LOCK_EX));
  ++shared->returned[which];
  _exit(0);
}

int main(void) {
  shared = CHECK_MAP(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  CHECK_OK(pipe(fds));
  CHECK(signal(SIGUSR1, handler) != SIG_ERR);
  int lock = (int)CHECK_OK(open(subject_path("lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  CHECK_OK(flock(lock, LOCK_EX));
  struct peer peers[kCount];
  long children[kCount];
  for (int i = 0; i < kCount; ++i) {
    peers[i] = peer_fork();
    if (peers[i].pid == 0) run(i, &peers[i]);
    children[i] = peer_hear(&peers[i]);
    wait_until_blocked(peers[i].pid, peers[i].pid, kCalls[i]);
  }
  STEP("six calls in progress");
  for (int i = 0; i < kCount; ++i) {
    CHECK_EQ(shared->returned[i], 0);
    wait_until_blocked(peers[i].pid, peers[i].pid, kCalls[i]);
  }
  CHECK_EQ(write(fds[1], "x", 1), 1);
  CHECK_EQ(syscall(SYS_futex, &shared->word, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
  CHECK_OK(kill((pid_t)children[kWait4], SIGKILL));
  CHECK_OK(kill((pid_t)children[kWaitid], SIGKILL));
  CHECK_OK(kill(peers[kPause].pid, SIGUSR1));
  CHECK_OK(flock(lock, LOCK_UN));
  for (int i = 0; i < kCount; ++i) {
    peer_end(&peers[i]);
    CHECK_EQ(shared->returned[i], 1);
  }
  subject_done();
}
