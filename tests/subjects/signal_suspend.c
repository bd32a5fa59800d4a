// sigsuspend, ppoll and pselect in progress with a temporary mask: the signal ends them, the old
// mask comes back.
#include "subject.h"

#include <poll.h>
#include <sys/select.h>

static volatile sig_atomic_t handled;
static void handler(int signo) { ++handled; }

static void* body(void* arg) {
  sigset_t none, blocked, now;
  sigemptyset(&none);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigaddset(&blocked, SIGUSR2);
  CHECK_EQ(pthread_sigmask(SIG_BLOCK, &blocked, NULL), 0);
  if ((long)arg == 0) CHECK_ERRNO(sigsuspend(&none), EINTR);
  if ((long)arg == 1) CHECK_ERRNO(ppoll(NULL, 0, NULL, &none), EINTR);
  if ((long)arg == 2) CHECK_ERRNO(pselect(0, NULL, NULL, NULL, NULL, &none), EINTR);
  CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &now), 0);
  CHECK_EQ(sigismember(&now, SIGUSR1), 1);
  CHECK_EQ(sigismember(&now, SIGUSR2), 1);
  return NULL;
}

int main(void) {
  static const char* const kCalls[] = {"rt_sigsuspend", "ppoll", "pselect6"};
  struct thread threads[3];
  CHECK(signal(SIGUSR1, handler) != SIG_ERR);
  for (long i = 0; i < 3; ++i) {
    thread_start(&threads[i], body, (void*)i);
    wait_until_blocked(getpid(), threads[i].tid, kCalls[i]);
  }
  STEP("temporary masks");
  for (int i = 0; i < 3; ++i) {
    wait_until_blocked(getpid(), threads[i].tid, kCalls[i]);
    CHECK_EQ(handled, i);
    CHECK_EQ(pthread_kill(threads[i].handle, SIGUSR1), 0);
    thread_join(&threads[i]);
    CHECK_EQ(handled, i + 1);
  }
  subject_done();
}
