// pidfds of processes that were made after their holder, and of a thread, in an epoll set.
#include "subject.h"

#include <sys/epoll.h>

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

static atomic_int go;
static void* body(void* arg) {
  (void)arg;
  wait_until_flag(&go, 1);
  return NULL;
}

int main(void) {
  struct peer first = peer_fork();
  if (first.pid == 0) {
    pid_t sibling = (pid_t)peer_hear(&first);
    struct thread thread;
    thread_start(&thread, body, NULL);
    int pidfd = (int)CHECK_OK(syscall(SYS_pidfd_open, sibling, O_NONBLOCK));
    int of_thread = (int)syscall(SYS_pidfd_open, thread.tid, PIDFD_THREAD);
    int set = (int)CHECK_OK(epoll_create1(0));
    CHECK_OK(epoll_ctl(set, EPOLL_CTL_ADD, pidfd,
                       &(struct epoll_event){.events = EPOLLIN, .data.u32 = 3}));
    peer_tell(&first, 0);
    peer_hear(&first);
    struct epoll_event event;
    CHECK_EQ(epoll_wait(set, &event, 1, 0), 0);
    CHECK_EQ(fcntl(pidfd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    CHECK_OK(syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0));
    CHECK_EQ(epoll_wait(set, &event, 1, 20000), 1);
    CHECK_EQ(event.data.u32, 3);
    if (of_thread >= 0) CHECK_OK(syscall(SYS_pidfd_send_signal, of_thread, 0, NULL, 0));
    go = 1;
    thread_join(&thread);
    if (of_thread >= 0) CHECK_ERRNO(syscall(SYS_pidfd_send_signal, of_thread, 0, NULL, 0), ESRCH);
    _exit(0);
  }
  pid_t second = (pid_t)CHECK_OK(fork());
  if (second == 0) _exit(pause());
  peer_tell(&first, second);
  peer_hear(&first);
  STEP("pidfds of others");
  peer_tell(&first, 0);
  peer_end(&first);
  CHECK_EQ(reap(second), SIGTERM);
  subject_done();
}
