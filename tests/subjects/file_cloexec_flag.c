// Files that have O_CLOEXEC among their own flags, as some ways of opening leave it there, in
// descriptors that exec does not close.
#include <mqueue.h>

#include "subject_pty.h"

int main(int argc, char** argv) {
  if (argc == 3) {  // after exec
    CHECK_EQ(fcntl(atoi(argv[1]), F_GETFD), 0);
    CHECK_EQ(fcntl(atoi(argv[2]), F_GETFD), 0);
    _exit(0);
  }
  struct pty pty = open_pty();
  int slave = (int)CHECK_OK(ioctl(pty.master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  int twin = (int)CHECK_OK(dup(slave));
  struct mq_attr small = {.mq_maxmsg = 1, .mq_msgsize = 16};
  char name[64];
  snprintf(name, sizeof name, "/file_cloexec_flag.%d", getpid());
  mqd_t queue = (mqd_t)CHECK_OK(mq_open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600, &small));
  int queue_twin = (int)CHECK_OK(dup(queue));
  CHECK_OK(mq_unlink(name));
  STEP("flagged");
  CHECK_EQ(fcntl(slave, F_GETFD), FD_CLOEXEC);
  CHECK_EQ(fcntl(twin, F_GETFD), 0);
  CHECK_EQ(fcntl(queue, F_GETFD), FD_CLOEXEC);
  CHECK_EQ(fcntl(queue_twin, F_GETFD), 0);
  pid_t child = (pid_t)CHECK_OK(fork());
  if (child == 0) {
    char numbers[2][16];
    snprintf(numbers[0], 16, "%d", twin);
    snprintf(numbers[1], 16, "%d", queue_twin);
    execl("/proc/self/exe", "subject", numbers[0], numbers[1], NULL);
    FAIL("execl");
  }
  reap_ok(child);
  subject_done();
}
