// Credentials differ between threads of one process, as the kernel allows.
#include "subject.h"

static atomic_int go, ready;

static void* body(void* arg) {
  unsigned id = 1500 + (unsigned)(long)arg;
  CHECK_OK(syscall(SYS_setresgid, id, id, id));
  CHECK_OK(syscall(SYS_setresuid, id, id, 0));
  ++ready;
  wait_until_flag(&go, 1);
  unsigned r, e, s;
  CHECK_OK(syscall(SYS_getresuid, &r, &e, &s));
  CHECK_EQ(r, id);
  CHECK_EQ(e, id);
  CHECK_EQ(s, 0);
  CHECK_OK(syscall(SYS_getresgid, &r, &e, &s));
  CHECK_EQ(s, id);
  return NULL;
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  struct thread threads[3];
  for (long i = 0; i < 3; ++i) thread_start(&threads[i], body, (void*)i);
  wait_until_flag(&ready, 3);
  STEP("ids per thread");
  CHECK_EQ(getuid(), 0);
  go = 1;
  for (int i = 0; i < 3; ++i) thread_join(&threads[i]);
  subject_done();
}
