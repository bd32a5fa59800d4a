// Processes that share descriptors with their parent, and not memory: which has begun a session
// since, or lives in a mount namespace of its own; that wait to be told by a message queue.
#include "subject.h"

#include <mqueue.h>
#include <sys/mount.h>

static char stacks[6][64 * 1024] __attribute__((aligned(16)));

struct shared {
  atomic_int ready, step, results[6];
};
static struct shared* shared;

static void wait_for(int step) {
  while (shared->step < step) nap_ms(2);
}

static void say(int number, int result) { shared->results[number] = 100 + result; }

// In the session that its parent has left.
static int left_behind(void* arg) {
  ++shared->ready;
  wait_for(1);
  say(0, getsid(0) == (pid_t)(long)arg && fcntl(120, F_GETFD) == 0 ? 0 : 1);
  return 0;
}

static void session(void) {
  pid_t child = (pid_t)CHECK_OK(clone(left_behind, stacks[0] + sizeof stacks[0],
                                      CLONE_FILES | SIGCHLD, (void*)(long)getsid(0)));
  CHECK_OK(setsid());
  ++shared->ready;
  wait_for(1);
  CHECK_EQ(getsid(0), getpid());
  CHECK(getsid(child) != getpid());
  reap_ok(child);
}

// Sees what its parent has mounted; the other has gone on to a namespace of its own.
static int mounted(void* arg) {
  if (arg != NULL && (unshare(CLONE_NEWNS) != 0 || umount2(subject_path("on"), MNT_DETACH) != 0))
    return 1;
  ++shared->ready;
  wait_for(1);
  const bool seen = access(subject_path("on/file"), F_OK) == 0;
  say(arg == NULL ? 1 : 2, seen == (arg == NULL) && fcntl(121, F_GETFD) == 0 ? 0 : 2);
  return 0;
}

static void mounts(void) {
  CHECK_OK(unshare(CLONE_NEWNS));
  CHECK_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
  CHECK_OK(mount("none", subject_path("on"), "tmpfs", 0, NULL));
  int file = (int)CHECK_OK(open(subject_path("on/file"), O_RDWR | O_CREAT, 0600));
  CHECK_EQ(dup2(file, 121), 121);
  CHECK_OK(close(file));
  pid_t pids[2];
  for (long i = 0; i < 2; ++i)
    pids[i] = (pid_t)CHECK_OK(
        clone(mounted, stacks[1 + i] + sizeof stacks[0], CLONE_FILES | SIGCHLD, (void*)i));
  ++shared->ready;
  wait_for(1);
  for (int i = 0; i < 2; ++i) reap_ok(pids[i]);
}

struct told {
  mqd_t queue;
  int number, value;
};

// Is told through a descriptor that it shares.
static int told(void* arg) {
  const struct told* it = arg;
  sigset_t mask;
  siginfo_t info;
  sigemptyset(&mask);
  sigaddset(&mask, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
  event.sigev_value.sival_int = it->value;
  if (mq_notify(it->queue, &event) != 0) return 1;
  ++shared->ready;
  wait_for(1);
  int signal = sigwaitinfo(&mask, &info);
  say(it->number, signal == SIGRTMIN && info.si_value.sival_int == it->value ? 0 : 3);
  return 0;
}

static mqd_t queue(const char* name) {
  mqd_t it = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
  CHECK_OK(it);
  CHECK_OK(mq_unlink(name));
  return it;
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  shared = CHECK_MAP(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  CHECK_OK(mkdir(subject_path("on"), 0755));
  CHECK_EQ(dup2(0, 120), 120);
  void (*const bodies[])(void) = {session, mounts};
  pid_t pids[4];
  for (int i = 0; i < 2; ++i) {
    pids[i] = (pid_t)CHECK_OK(fork());
    if (pids[i] == 0) {
      bodies[i]();
      _exit(0);
    }
  }
  static struct told each[2];
  for (int i = 0; i < 2; ++i) {
    each[i] = (struct told){queue(i == 0 ? "/beside" : "/within"), 3 + i, 70 + i};
    pids[2 + i] = (pid_t)CHECK_OK(clone(told, stacks[3 + i] + sizeof stacks[0],
                                        CLONE_FILES | SIGCHLD | (i == 0 ? 0 : CLONE_VM), &each[i]));
  }
  wait_until_flag(&shared->ready, 7);
  STEP("beside");
  shared->step = 1;
  for (int i = 0; i < 2; ++i) CHECK_OK(mq_send(each[i].queue, "told", 4, 0));
  for (int i = 0; i < 4; ++i) reap_ok(pids[i]);
  for (int i = 0; i < 5; ++i) CHECK_EQ(shared->results[i], 100);
  CHECK_OK(rmdir(subject_path("on")));
  subject_done();
}
