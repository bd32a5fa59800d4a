// Sixty-four threads keep tid, name, thread-local storage and stack, and all can be joined.
#include "subject.h"

enum { kCount = 64 };
static atomic_int go, ready;
static _Thread_local long tls_value = -1;
static _Thread_local char tls_block[600];
static pthread_key_t key;

static void* body(void* arg) {
  long index = (long)arg;
  char name[16], now[16], local[2000];
  snprintf(name, sizeof name, "worker-%ld", index);
  CHECK_OK(prctl(PR_SET_NAME, name));
  CHECK_EQ(tls_value, -1);
  tls_value = index;
  fill_pattern(tls_block, sizeof tls_block, (unsigned)index);
  fill_pattern(local, sizeof local, (unsigned)index + 1000);
  CHECK_EQ(pthread_setspecific(key, (void*)(index + 5)), 0);
  pid_t tid = gettid_raw();
  pthread_t self = pthread_self();
  ++ready;
  wait_until_flag(&go, 1);
  CHECK_EQ(gettid_raw(), tid);
  CHECK_EQ(pthread_self(), self);
  CHECK_EQ(tls_value, index);
  check_pattern(tls_block, sizeof tls_block, (unsigned)index);
  check_pattern(local, sizeof local, (unsigned)index + 1000);
  CHECK_EQ(pthread_getspecific(key), (void*)(index + 5));
  CHECK_OK(prctl(PR_GET_NAME, now));
  CHECK_STR(now, name);
  return (void*)(index * 3);
}

int main(void) {
  static struct thread threads[kCount];
  CHECK_EQ(pthread_key_create(&key, NULL), 0);
  for (long i = 0; i < kCount; ++i) thread_start(&threads[i], body, (void*)i);
  wait_until_flag(&ready, kCount);
  STEP("sixty-four threads");
  char path[64];
  for (int i = 0; i < kCount; ++i) {
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", threads[i].tid);
    CHECK_OK(access(path, F_OK));
  }
  go = 1;
  for (long i = 0; i < kCount; ++i) CHECK_EQ(thread_join(&threads[i]), i * 3);
  subject_done();
}
