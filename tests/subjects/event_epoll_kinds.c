// epoll over a pipe, an eventfd, a timerfd, a signalfd, an inotify and a pidfd, with a wait in
// progress.
#include "subject.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

enum { kPipe, kEvent, kTimer, kSignal, kInotify, kPid, kCount };
static int epoll;
static atomic_int woken;

static void* waiter(void* arg) {
  struct epoll_event event;
  CHECK_EQ(epoll_wait(epoll, &event, 1, -1), 1);
  woken = 1 + event.data.fd;
  return NULL;
}

static void expect(int which) {
  struct epoll_event events[8];
  CHECK_EQ(epoll_wait(epoll, events, 8, 10000), 1);
  CHECK_EQ(events[0].data.fd, which);
  CHECK_EQ(events[0].events, EPOLLIN);
}

int main(void) {
  int fds[kCount], writer[2];
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    peer_hear(&child);
    _exit(0);
  }
  CHECK_OK(pipe(writer));
  fds[kPipe] = writer[0];
  fds[kEvent] = (int)CHECK_OK(eventfd(0, 0));
  fds[kTimer] = (int)CHECK_OK(timerfd_create(CLOCK_MONOTONIC, 0));
  fds[kSignal] = (int)CHECK_OK(signalfd(-1, &set, 0));
  fds[kInotify] = (int)CHECK_OK(inotify_init1(0));
  fds[kPid] = (int)CHECK_OK(syscall(SYS_pidfd_open, child.pid, 0));
  CHECK_OK(inotify_add_watch(fds[kInotify], subject_dir(), IN_CREATE));
  epoll = (int)CHECK_OK(epoll_create1(0));
  for (int i = 0; i < kCount; ++i) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = i};
    CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event));
  }
  struct thread thread;
  thread_start(&thread, waiter, NULL);
  wait_until_blocked(getpid(), thread.tid, "epoll_wait");
  STEP("wait in progress");
  CHECK_EQ(woken, 0);
  wait_until_blocked(getpid(), thread.tid, "epoll_wait");
  char bytes[512];
  CHECK_OK(eventfd_write(fds[kEvent], 1));
  thread_join(&thread);
  CHECK_EQ(woken, 1 + kEvent);
  CHECK_EQ(read(fds[kEvent], bytes, 8), 8);
  CHECK_EQ(write(writer[1], "x", 1), 1);
  expect(kPipe);
  CHECK_EQ(read(fds[kPipe], bytes, 1), 1);
  struct itimerspec soon = {.it_value = {0, 1000000}};
  CHECK_OK(timerfd_settime(fds[kTimer], 0, &soon, NULL));
  expect(kTimer);
  CHECK_EQ(read(fds[kTimer], bytes, 8), 8);
  CHECK_OK(kill(getpid(), SIGUSR1));
  expect(kSignal);
  CHECK_EQ(read(fds[kSignal], bytes, 128), 128);
  write_text(subject_path("made"), "");
  expect(kInotify);
  CHECK_OK(read(fds[kInotify], bytes, sizeof bytes));
  peer_tell(&child, 0);
  expect(kPid);
  peer_end(&child);
  subject_done();
}
