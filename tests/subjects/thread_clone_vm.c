// Processes in one memory that have the rest for themselves: descriptors, folders, actions, group,
// a child in the same memory again; and one that is stopped.
#include "subject.h"

#include <linux/kcmp.h>
#include <sys/epoll.h>
#include <sys/file.h>

static char stacks[4][64 * 1024] __attribute__((aligned(16)));
static atomic_int ready, go;
static volatile int signals, nested_status;
static int file;

static void on_usr1(int signal) { signals += signal == SIGUSR1; }

static int nested(void* arg) {
  ++ready;
  while (go < 2) nap_ms(2);
  return getppid() == (int)(long)arg ? 9 : 1;
}

// No C library calls that need a thread of its own to report: the status tells.
static int apart(void* arg) {
  char text[PATH_MAX], byte = 'b';
  int ends[2];
  if (close(80) != 0 || pipe2(ends, O_CLOEXEC) != 0) return 10;
  if (write(ends[1], "kept", 4) != 4 || dup2(ends[0], 90) != 90) return 11;
  if (chdir("/etc") != 0 || setpgid(0, 0) != 0) return 12;
  umask(0111);
  int own = open(subject_path("own"), O_RDWR | O_CREAT, 0600);
  if (own < 0 || flock(own, LOCK_EX) != 0 || write(own, "12345", 5) != 5) return 13;
  struct flock lock = {.l_type = F_WRLCK, .l_len = 3};
  if (fcntl(own, F_SETLK, &lock) != 0) return 14;
  struct sigaction action = {.sa_handler = on_usr1};
  if (sigaction(SIGUSR1, &action, NULL) != 0) return 15;
  int about = open("/proc/self/comm", O_RDONLY);
  pid_t child = clone(nested, stacks[1] + sizeof stacks[1],
                      CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, (void*)(long)getpid());
  ++ready;
  while (go < 1) nap_ms(2);
  if (fcntl(80, F_GETFD) >= 0) return 20;
  if (read(90, text, 4) != 4 || memcmp(text, "kept", 4) != 0) return 21;
  if (fcntl(ends[0], F_GETFD) != FD_CLOEXEC || fcntl(90, F_GETFD) != 0) return 22;
  if (getcwd(text, sizeof text) == NULL || strcmp(text, "/etc") != 0) return 23;
  if (umask(0) != 0111 || getpgrp() != getpid()) return 24;
  if (lseek(own, 0, SEEK_CUR) != 5) return 25;
  if (raise(SIGUSR1) != 0) return 26;
  if (lseek(about, 0, SEEK_SET) != 0 || read(about, text, 4) != 4) return 27;
  if (syscall(SYS_kcmp, getpid(), getppid(), KCMP_VM, 0, 0) != 0) return 28;
  if (syscall(SYS_kcmp, getpid(), child, KCMP_FILES, 0, 0) != 0) return 29;
  int status = 0;
  go = 2;
  if (waitpid(child, &status, 0) != child) return 30;
  nested_status = status;
  return write(file, &byte, 1) == 1 ? 5 : 31;
}

static int sleeper(void* arg) {
  ++ready;
  while (go < 1) nap_ms(2);
  return 6;
}

static void* thread_body(void* arg) {
  ++ready;
  wait_until_flag(&go, 1);
  return arg;
}

int main(void) {
  file = (int)CHECK_OK(open(subject_path("file"), O_RDWR | O_CREAT, 0600));
  subject_path("own");
  CHECK_OK(dup2(file, 80));
  struct thread thread;
  thread_start(&thread, thread_body, NULL);
  pid_t one = (pid_t)CHECK_OK(clone(apart, stacks[0] + sizeof stacks[0], CLONE_VM | SIGCHLD, NULL));
  pid_t two = (pid_t)CHECK_OK(clone(sleeper, stacks[2] + sizeof stacks[2],
                                    CLONE_VM | CLONE_SIGHAND | CLONE_FILES | SIGUSR2, NULL));
  wait_until_flag(&ready, 4);
  CHECK_OK(kill(two, SIGSTOP));
  wait_until_state(two, two, 'T');
  CHECK(signal(SIGUSR2, SIG_IGN) != SIG_ERR);
  STEP("one memory");
  CHECK_OK(fcntl(80, F_GETFD));
  CHECK_ERRNO(fcntl(90, F_GETFD), EBADF);
  CHECK_EQ(syscall(SYS_kcmp, getpid(), two, KCMP_SIGHAND, 0, 0), 0);
  CHECK_EQ(syscall(SYS_kcmp, getpid(), two, KCMP_FILES, 0, 0), 0);
  CHECK(syscall(SYS_kcmp, getpid(), one, KCMP_SIGHAND, 0, 0) != 0);
  CHECK(syscall(SYS_kcmp, getpid(), two, KCMP_FS, 0, 0) != 0);
  struct flock lock = {.l_type = F_WRLCK};
  int own = (int)CHECK_OK(open(subject_path("own"), O_RDWR));
  CHECK_OK(fcntl(own, F_GETLK, &lock));
  CHECK_EQ(lock.l_type, F_WRLCK);
  CHECK_EQ(lock.l_pid, one);
  CHECK_ERRNO(flock(own, LOCK_EX | LOCK_NB), EWOULDBLOCK);
  CHECK_OK(kill(two, SIGCONT));
  go = 1;
  CHECK_EQ(reap(one), 5 << 8);
  CHECK_EQ(nested_status, 9 << 8);
  CHECK_EQ(signals, 1);
  int status = 0;
  CHECK_EQ(waitpid(two, &status, __WALL), two);
  CHECK_EQ(status, 6 << 8);
  CHECK_EQ(lseek(file, 0, SEEK_CUR), 1);
  thread_join(&thread);
  subject_done();
}
