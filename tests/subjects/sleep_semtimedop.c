// semtimedop with a timeout in progress: EAGAIN when it would have been.
#include "subject.h"

#include <sys/sem.h>

static void* body(void* arg) {
  long long begin = now_ms(CLOCK_MONOTONIC);
  long ms = timeout_ms();
  struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
  (void)ts;
  int id = (int)CHECK_OK(semget(IPC_PRIVATE, 1, 0600));
  struct sembuf take = {.sem_op = -1};
  CHECK_ERRNO(semtimedop(id, &take, 1, &ts), EAGAIN);
  CHECK_OK(semctl(id, 0, IPC_RMID));
  CHECK_NEAR(now_ms(CLOCK_MONOTONIC) - begin, ms, kToleranceMs);
  return NULL;
}

int main(void) {
  struct thread thread;
  thread_start(&thread, body, NULL);
  wait_until_blocked(getpid(), thread.tid, "semtimedop");
  STEP("semtimedop in progress");
  thread_join(&thread);
  subject_done();
}
