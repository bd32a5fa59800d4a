// Files that signal others than who has opened them: another thread, and a process that was made in
// the same memory, which has a file of its own that signals its maker. It waits to be notified by a
// message queue as well, and its end will undo what it did to a semaphore.
#include "subject.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/sem.h>

static char stack[64 * 1024] __attribute__((aligned(16)));
static int thread_pipe[2], child_pipe[2], own_pipe[2];
static atomic_int ready, go;
static _Atomic pid_t second;
static int semaphore;
static char name[40];
static void clean_up(void) {
  semctl(semaphore, 0, IPC_RMID);
  mq_unlink(name);
}

static sigset_t async_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 3);
  return set;
}

static void expect_signal(int fd) {
  sigset_t signals = async_signals();
  siginfo_t info;
  struct timespec enough = {10, 0};
  CHECK_EQ(sigtimedwait(&signals, &info, &enough), SIGRTMIN + 3);
  CHECK_EQ(info.si_fd, fd);
}

static void signal_to(int fd, int type, pid_t id) {
  struct f_owner_ex owner = {type, id};
  CHECK_OK(fcntl(fd, F_SETOWN_EX, &owner));
  CHECK_OK(fcntl(fd, F_SETSIG, SIGRTMIN + 3));
  CHECK_OK(fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK));
}

static void check_owner(int fd, int type, pid_t id) {
  struct f_owner_ex owner;
  CHECK_OK(fcntl(fd, F_GETOWN_EX, &owner));
  CHECK_EQ(owner.type, type);
  CHECK_EQ(owner.pid, id);
  CHECK_EQ(fcntl(fd, F_GETSIG), SIGRTMIN + 3);
  CHECK_EQ(fcntl(fd, F_GETFL) & (O_ASYNC | O_NONBLOCK), O_ASYNC | O_NONBLOCK);
}

static void* wait_for_signal(void* arg) {
  second = gettid_raw();
  expect_signal(thread_pipe[0]);
  return NULL;
}

static int child(void* arg) {
  CHECK_OK(pipe(own_pipe));
  signal_to(own_pipe[0], F_OWNER_PID, getppid());
  struct sembuf give = {0, 3, SEM_UNDO};
  CHECK_OK(semop(semaphore, &give, 1));
  mqd_t queue = (mqd_t)CHECK_OK(mq_open(name, O_RDONLY));
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3};
  event.sigev_value.sival_int = 505;
  CHECK_OK(mq_notify(queue, &event));
  ready = 1;
  while (!go) nap_ms(2);
  check_owner(own_pipe[0], F_OWNER_PID, getppid());
  expect_signal(child_pipe[0]);
  ready = 2;
  sigset_t signals = async_signals();
  siginfo_t info;
  struct timespec enough = {10, 0};
  CHECK_EQ(sigtimedwait(&signals, &info, &enough), SIGRTMIN + 3);
  CHECK_EQ(info.si_code, SI_MESGQ);
  CHECK_EQ(info.si_value.sival_int, 505);
  CHECK_EQ(write(own_pipe[1], "x", 1), 1);
  return 0;
}

int main(void) {
  sigset_t signals = async_signals();
  CHECK_OK(sigprocmask(SIG_BLOCK, &signals, NULL));
  semaphore = (int)CHECK_OK(semget(IPC_PRIVATE, 1, 0600));
  snprintf(name, sizeof name, "/others-%d", getpid());
  mqd_t queue = (mqd_t)CHECK_OK(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL));
  subject_on_exit(clean_up);
  CHECK_OK(pipe(thread_pipe));
  CHECK_OK(pipe(child_pipe));
  struct thread thread;
  thread_start(&thread, wait_for_signal, NULL);
  wait_until(second != 0);
  signal_to(thread_pipe[0], F_OWNER_TID, second);
  pid_t pid = (pid_t)CHECK_OK(clone(child, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL));
  wait_until_flag(&ready, 1);
  signal_to(child_pipe[0], F_OWNER_PID, pid);
  STEP("owned by others");
  check_owner(thread_pipe[0], F_OWNER_TID, second);
  check_owner(child_pipe[0], F_OWNER_PID, pid);
  CHECK_EQ(write(thread_pipe[1], "x", 1), 1);
  thread_join(&thread);
  CHECK_EQ(write(child_pipe[1], "x", 1), 1);
  CHECK_EQ(semctl(semaphore, 0, GETVAL), 3);
  go = 1;
  wait_until_flag(&ready, 2);
  CHECK_OK(mq_send(queue, "x", 1, 0));
  expect_signal(own_pipe[0]);
  reap_ok(pid);
  CHECK_EQ(semctl(semaphore, 0, GETVAL), 0);
  subject_done();
}
