// mq_notify: a registration is kept (another is refused), fires once with its value, and can be
// made anew.
#include "subject.h"

#include <mqueue.h>

static char name[40];
static void unlink_it(void) { mq_unlink(name); }

int main(void) {
  snprintf(name, sizeof name, "/subject-%d", getpid());
  struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 16};
  mqd_t queue = (mqd_t)CHECK_OK(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
  subject_on_exit(unlink_it);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 2);
  CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2};
  event.sigev_value.sival_int = 808;
  CHECK_OK(mq_notify(queue, &event));
  STEP("registered");
  CHECK_ERRNO(mq_notify(queue, &event), EBUSY);
  struct timespec none = {0}, enough = {10, 0};
  siginfo_t info;
  CHECK_ERRNO(sigtimedwait(&set, &info, &none), EAGAIN);
  CHECK_OK(mq_send(queue, "x", 1, 0));
  CHECK_EQ(sigtimedwait(&set, &info, &enough), SIGRTMIN + 2);
  CHECK_EQ(info.si_code, SI_MESGQ);
  CHECK_EQ(info.si_value.sival_int, 808);
  CHECK_EQ(info.si_pid, getpid());
  CHECK_OK(mq_notify(queue, &event));  // used up, so it may be made anew
  CHECK_OK(mq_notify(queue, NULL));
  subject_done();
}
