// poll, ppoll and select in progress without a timeout: stay until something comes, then tell
// exactly that.
#include "subject.h"

#include <poll.h>
#include <sys/select.h>

static int pipes[3][2], quiet[2];

static void* by_poll(void* arg) {
  struct pollfd fds[] = {{.fd = quiet[0], .events = POLLIN}, {.fd = pipes[0][0], .events = POLLIN}};
  CHECK_EQ(syscall(SYS_poll, fds, 2, -1), 1);
  CHECK_EQ(fds[0].revents, 0);
  CHECK_EQ(fds[1].revents, POLLIN);
  return NULL;
}

static void* by_ppoll(void* arg) {
  struct pollfd fds[] = {{.fd = quiet[0], .events = POLLIN}, {.fd = pipes[1][0], .events = POLLIN}};
  CHECK_EQ(ppoll(fds, 2, NULL, NULL), 1);
  CHECK_EQ(fds[1].revents, POLLIN);
  return NULL;
}

static void* by_select(void* arg) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(quiet[0], &set);
  FD_SET(pipes[2][0], &set);
  CHECK_EQ(syscall(SYS_select, 64, &set, NULL, NULL, NULL), 1);
  CHECK(FD_ISSET(pipes[2][0], &set) && !FD_ISSET(quiet[0], &set));
  return NULL;
}

int main(void) {
  void* (*bodies[])(void*) = {by_poll, by_ppoll, by_select};
  static const char* const kCalls[] = {"poll", "ppoll", "select"};
  struct thread threads[3];
  CHECK_OK(pipe(quiet));
  for (int i = 0; i < 3; ++i) {
    CHECK_OK(pipe(pipes[i]));
    thread_start(&threads[i], bodies[i], NULL);
    wait_until_blocked(getpid(), threads[i].tid, kCalls[i]);
  }
  STEP("waits in progress");
  for (int i = 0; i < 3; ++i) {
    wait_until_blocked(getpid(), threads[i].tid, kCalls[i]);
    CHECK_EQ(write(pipes[i][1], "x", 1), 1);
    thread_join(&threads[i]);
  }
  subject_done();
}
