// Pid namespaces of the application's own: who lives there keeps both ids, threads too; groups,
// sessions, zombies, signals and timers are told by the ids of who asks; /proc shows that
// namespace.
#include "subject.h"

#include <sys/mount.h>

struct seen {
  pid_t self, parent, group, session, child, grandchild, thread;
};

static atomic_int go_on;

static void* wait_in_thread(void* arg) {
  (void)arg;
  wait_until_flag(&go_on, 1);
  return (void*)(long)gettid_raw();
}

static atomic_int alarms;
static void on_alarm(int signal) {
  (void)signal;
  ++alarms;
}

static pid_t sleeper(bool leads) {
  pid_t pid = (pid_t)CHECK_OK(fork());
  if (pid != 0) return pid;
  if (leads) CHECK_OK(setsid());
  for (;;) pause();
}

static pid_t zombie(int status) {
  pid_t pid = (pid_t)CHECK_OK(fork());
  if (pid == 0) _exit(status);
  wait_until_state(pid, pid, 'Z');
  return pid;
}

static void check_proc(pid_t expected) {
  char text[4096];
  read_text("/proc/self/status", text, sizeof text);
  const char* ids = strstr(text, "NSpid:");
  CHECK(ids != NULL);
  int first = 0, second = 0;
  CHECK_EQ(sscanf(ids, "NSpid:\t%d\t%d", &first, &second), 1);
  CHECK_EQ(first, expected);
}

// The first process of the namespace.
static _Noreturn void live_inside(struct peer* outside) {
  CHECK_EQ(getpid(), 1);
  CHECK_EQ(getppid(), 0);
  CHECK_OK(unshare(CLONE_NEWNS));
  CHECK_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
  CHECK_OK(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV, NULL));
  CHECK_OK(mount("/dev/null", "/proc/timer_list", NULL, MS_BIND, NULL));
  check_proc(1);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  CHECK_OK(sigprocmask(SIG_BLOCK, &blocked, NULL));
  struct thread thread;
  thread_start(&thread, wait_in_thread, NULL);
  pid_t member = sleeper(false), leader = sleeper(true), dead = zombie(7);
  wait_until(getsid(leader) == leader);
  pid_t group = getpgrp();
  struct sigaction action = {.sa_handler = on_alarm};
  CHECK_OK(sigaction(SIGUSR1, &action, NULL));
  CHECK_OK(kill(1, SIGUSR1));
  int file = (int)CHECK_OK(open(subject_path("owned"), O_RDWR | O_CREAT, 0600));
  CHECK_OK(fcntl(file, F_SETOWN, member));
  peer_tell(outside, 1);

  for (int round = 0; round < 2; ++round) {
    peer_hear(outside);
    CHECK_EQ(getpid(), 1);
    CHECK_EQ(getppid(), 0);
    CHECK_EQ(getpgrp(), group);
    CHECK_EQ(getsid(0), 0);
    CHECK_EQ(getsid(leader), leader);
    CHECK_EQ(getpgid(member), group);
    CHECK_EQ(fcntl(file, F_GETOWN), member);
    check_proc(1);
    struct stat null, covered;
    CHECK_OK(stat("/dev/null", &null));
    CHECK_OK(stat("/proc/timer_list", &covered));
    CHECK_EQ(covered.st_rdev, null.st_rdev);
    peer_tell(outside, 2);
  }
  peer_hear(outside);
  CHECK_EQ(alarms, 0);
  CHECK_OK(sigprocmask(SIG_UNBLOCK, &blocked, NULL));
  CHECK_EQ(alarms, 1);
  int status = 0;
  CHECK_EQ(waitpid(dead, &status, WNOHANG), dead);
  CHECK_EQ(WEXITSTATUS(status), 7);
  atomic_store(&go_on, 1);
  CHECK_EQ((long)thread_join(&thread), thread.tid);
  for (pid_t pid = 0; pid == 0;) {  // what comes next is born here as well
    pid = (pid_t)CHECK_OK(fork());
    if (pid == 0) _exit(getppid() == 1 ? 0 : 1);
    reap_ok(pid);
  }
  CHECK_OK(kill(member, SIGKILL));
  CHECK_OK(kill(leader, SIGTERM));
  CHECK_EQ(WTERMSIG(reap(member)), SIGKILL);
  CHECK_EQ(WTERMSIG(reap(leader)), SIGTERM);
  peer_tell(outside, 3);
  _exit(0);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  subject_dir();
  struct peer outer = peer_fork();
  if (outer.pid == 0) {
    // Its children are born there, itself it stays.
    CHECK_OK(setpgid(0, 0));
    CHECK_OK(unshare(CLONE_NEWPID));
    struct peer first = peer_fork();
    if (first.pid == 0) live_inside(&first);
    CHECK_EQ(peer_hear(&first), 1);
    peer_tell(&outer, first.pid);
    for (int round = 0; round < 2; ++round) {
      peer_hear(&outer);
      peer_tell(&first, 0);
      CHECK_EQ(peer_hear(&first), 2);
      pid_t second = (pid_t)CHECK_OK(fork());  // born there too
      if (second == 0) _exit(getpid() < 100 && getppid() == 0 ? 0 : 1);
      reap_ok(second);
      peer_tell(&outer, 0);
    }
    peer_hear(&outer);
    peer_tell(&first, 0);
    CHECK_EQ(peer_hear(&first), 3);
    peer_end(&first);
    CHECK_ERRNO(fork(), ENOMEM);
    peer_tell(&outer, 0);
    peer_hear(&outer);
    CHECK_ERRNO(fork(), ENOMEM);
    _exit(0);
  }
  pid_t first = (pid_t)peer_hear(&outer);
  STEP("lived in");
  peer_tell(&outer, 0);
  peer_hear(&outer);
  CHECK_OK(kill(first, 0));
  STEP("again");
  peer_tell(&outer, 0);
  peer_hear(&outer);
  peer_tell(&outer, 0);
  peer_hear(&outer);
  STEP("ended");
  peer_tell(&outer, 0);
  peer_end(&outer);
  subject_done();
}
