// Robust mutexes: the robust list is kept, so an owner that dies after the restore leaves
// EOWNERDEAD behind, for a thread of this process and for another process.
#include "subject.h"

struct shared {
  pthread_mutex_t by_process, by_thread;
};
static struct shared* shared;

static void robust_init(pthread_mutex_t* mutex) {
  pthread_mutexattr_t attr;
  CHECK_EQ(pthread_mutexattr_init(&attr), 0);
  CHECK_EQ(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST), 0);
  CHECK_EQ(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
  CHECK_EQ(pthread_mutex_init(mutex, &attr), 0);
}

static atomic_int locked, die;
static void* owner(void* arg) {
  CHECK_EQ(pthread_mutex_lock(&shared->by_thread), 0);
  locked = 1;
  wait_until_flag(&die, 1);
  return NULL;
}

static void take_over(pthread_mutex_t* mutex) {
  CHECK_EQ(pthread_mutex_lock(mutex), EOWNERDEAD);
  CHECK_EQ(pthread_mutex_consistent(mutex), 0);
  CHECK_EQ(pthread_mutex_unlock(mutex), 0);
  CHECK_EQ(pthread_mutex_lock(mutex), 0);
  CHECK_EQ(pthread_mutex_unlock(mutex), 0);
}

int main(void) {
  shared = CHECK_MAP(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  robust_init(&shared->by_process);
  robust_init(&shared->by_thread);
  struct peer process = peer_fork();
  if (process.pid == 0) {
    CHECK_EQ(pthread_mutex_lock(&shared->by_process), 0);
    peer_tell(&process, 0);
    peer_hear(&process);
    _exit(0);
  }
  peer_hear(&process);
  struct thread thread;
  thread_start(&thread, owner, NULL);
  wait_until_flag(&locked, 1);
  struct robust_list_head* head = NULL;
  size_t size = 0;
  CHECK_OK(syscall(SYS_get_robust_list, 0, &head, &size));
  STEP("robust mutexes held");
  struct robust_list_head* head_now = NULL;
  size_t size_now = 0;
  CHECK_OK(syscall(SYS_get_robust_list, 0, &head_now, &size_now));
  CHECK_EQ(head_now, head);
  CHECK_EQ(size_now, size);
  CHECK_EQ(pthread_mutex_trylock(&shared->by_process), EBUSY);
  CHECK_EQ(pthread_mutex_trylock(&shared->by_thread), EBUSY);
  peer_tell(&process, 0);
  peer_end(&process);
  take_over(&shared->by_process);
  die = 1;
  thread_join(&thread);
  take_over(&shared->by_thread);
  subject_done();
}
