// Children that went on after a stop and have not been waited for: told once by wait, and neither
// they nor their parent get a signal by the restore. One has threads and a handler of SIGCONT, one
// has SIGCONT pending, of one the parent has been told already.
#include "subject.h"

enum { kHandles, kPending, kTold, kCount };
static atomic_int* handled;  // shared by all
static void on_continue(int signo) { ++*handled; }

_Noreturn static void* idle(void* arg) {
  for (;;) pause();
}

static void live_as(int which, const struct peer* self) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCONT);
  struct thread thread;
  if (which == kHandles) {
    CHECK(signal(SIGCONT, on_continue) != SIG_ERR);
    thread_start(&thread, idle, NULL);
  }
  if (which == kPending) CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
  peer_tell(self, 0);
  for (;;) pause();
}

static bool take_child_signal(void) {
  sigset_t set;
  const struct timespec none = {0};
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  return sigtimedwait(&set, NULL, &none) == SIGCHLD;
}

static bool has_pending(pid_t pid, int signo) {
  static char text[8192];
  char path[40];
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  read_text(path, text, sizeof text);
  return (strtoull(strstr(text, "ShdPnd:") + 7, NULL, 16) >> (signo - 1) & 1) != 0;
}

static pid_t continued_child(pid_t pid, int options) {
  siginfo_t info = {0};
  CHECK_OK(waitid(P_PID, (id_t)pid, &info, WCONTINUED | WNOHANG | options));
  if (info.si_pid != 0) CHECK_EQ(info.si_code, CLD_CONTINUED);
  return info.si_pid;
}

int main(void) {
  handled = CHECK_MAP(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
  struct peer peers[kCount];
  for (int i = 0; i < kCount; ++i) {
    peers[i] = peer_fork();
    if (peers[i].pid == 0) live_as(i, &peers[i]);
    peer_hear(&peers[i]);
    CHECK_OK(kill(peers[i].pid, SIGSTOP));
    CHECK_EQ(waitpid(peers[i].pid, NULL, WUNTRACED), peers[i].pid);
    take_child_signal();
    CHECK_OK(kill(peers[i].pid, SIGCONT));
    wait_until(take_child_signal());
    wait_until_blocked(peers[i].pid, peers[i].pid, "pause");
  }
  CHECK_EQ(*handled, 1);
  CHECK_EQ(continued_child(peers[kTold].pid, 0), peers[kTold].pid);
  STEP("gone on");
  CHECK_EQ(*handled, 1);
  CHECK(!take_child_signal());
  CHECK(has_pending(peers[kPending].pid, SIGCONT));
  CHECK(!has_pending(peers[kTold].pid, SIGCONT));
  CHECK_EQ(continued_child(peers[kTold].pid, 0), 0);
  CHECK_EQ(continued_child(peers[kPending].pid, WNOWAIT), peers[kPending].pid);
  STEP("looked at");
  CHECK(!take_child_signal());
  for (int i = 0; i < kTold; ++i) {
    CHECK_EQ(continued_child(peers[i].pid, 0), peers[i].pid);
    CHECK_EQ(continued_child(peers[i].pid, 0), 0);
  }
  STEP("told");
  for (int i = 0; i < kCount; ++i) {
    CHECK_EQ(continued_child(peers[i].pid, 0), 0);
    CHECK_OK(kill(peers[i].pid, SIGKILL));
    CHECK_EQ(reap(peers[i].pid), SIGKILL);
  }
  subject_done();
}
