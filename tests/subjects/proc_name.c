// The name set with PR_SET_NAME stays, for the process and for each of its threads.
#include "subject.h"

static atomic_int stop;
static void* body(void* arg) {
  CHECK_OK(prctl(PR_SET_NAME, "a thread's name"));
  wait_until_flag(&stop, 1);
  char name[16];
  CHECK_OK(prctl(PR_GET_NAME, name));
  CHECK_STR(name, "a thread's name");
  return NULL;
}

int main(void) {
  struct thread other;
  thread_start(&other, body, NULL);
  CHECK_OK(prctl(PR_SET_NAME, "odd) (name\n"));
  STEP("names");
  char name[32];
  CHECK_OK(prctl(PR_GET_NAME, name));
  CHECK_STR(name, "odd) (name\n");
  read_text("/proc/self/comm", name, sizeof name);
  CHECK_STR(name, "odd) (name\n\n");
  stop = 1;
  thread_join(&other);
  subject_done();
}
