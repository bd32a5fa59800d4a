// After the restore a blocked read is restarted after an SA_RESTART handler, and ended with EINTR
// by another.
#include "subject.h"

static volatile sig_atomic_t handled;
static void handler(int signo) { ++handled; }
static int fds[2];

static void* body(void* arg) {
  char byte = 0;
  CHECK_ERRNO(read(fds[0], &byte, 1), EINTR);
  CHECK_EQ(read(fds[0], &byte, 1), 1);
  CHECK_EQ(byte, 'r');
  return NULL;
}

int main(void) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  CHECK_OK(sigaction(SIGUSR1, &action, NULL));
  action.sa_flags = 0;
  CHECK_OK(sigaction(SIGUSR2, &action, NULL));
  CHECK_OK(pipe(fds));
  struct thread thread;
  thread_start(&thread, body, NULL);
  wait_until_blocked(getpid(), thread.tid, "read");
  STEP("read in progress");
  CHECK_EQ(pthread_kill(thread.handle, SIGUSR1), 0);
  wait_until(handled == 1);
  wait_until_blocked(getpid(), thread.tid, "read");
  STEP("restarted by a handler");
  CHECK_EQ(pthread_kill(thread.handle, SIGUSR2), 0);
  wait_until(handled == 2);
  wait_until_blocked(getpid(), thread.tid, "read");
  CHECK_EQ(write(fds[1], "r", 1), 1);
  thread_join(&thread);
  subject_done();
}
