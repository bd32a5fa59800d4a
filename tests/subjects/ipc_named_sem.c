// Named POSIX semaphores: values, a waiter in another process, opening by name afterwards.
#include "subject.h"

#include <semaphore.h>

static char name[40];
static void unlink_it(void) { sem_unlink(name); }

int main(void) {
  snprintf(name, sizeof name, "/subject-%d", getpid());
  sem_t* sem = sem_open(name, O_CREAT | O_EXCL, 0600, 2);
  if (sem == SEM_FAILED) FAIL("sem_open");
  subject_on_exit(unlink_it);
  CHECK_OK(sem_wait(sem));
  CHECK_OK(sem_wait(sem));
  pid_t child = (pid_t)CHECK_OK(fork());
  if (child == 0) {
    CHECK_OK(sem_wait(sem));
    _exit(0);
  }
  wait_until_blocked(child, child, "futex");
  STEP("semaphore");
  wait_until_blocked(child, child, "futex");
  CHECK_ERRNO(sem_trywait(sem), EAGAIN);
  sem_t* again = sem_open(name, 0);
  if (again == SEM_FAILED) FAIL("sem_open by name");
  CHECK_OK(sem_post(again));
  reap_ok(child);
  CHECK_OK(sem_post(again));
  CHECK_OK(sem_trywait(sem));
  CHECK_ERRNO(sem_trywait(sem), EAGAIN);
  subject_done();
}
