// Threads that have left the folders of their process together: one has left them and then made
// another, which has made a third, with a host name of its own.
#include "subject.h"

static atomic_int ready, step;

static void check_cwd(const char* expected) {
  char cwd[PATH_MAX];
  CHECK(getcwd(cwd, sizeof cwd) != NULL);
  CHECK_STR(cwd, expected);
}

static void check_name(const char* expected) {
  char name[64];
  CHECK_OK(gethostname(name, sizeof name));
  CHECK_STR(name, expected);
}

static void* third(void* arg) {
  CHECK_OK(unshare(CLONE_NEWUTS));
  CHECK_OK(sethostname("third", 5));
  ++ready;
  wait_until_flag(&step, 1);
  check_cwd("/etc");
  CHECK_OK(chdir("/usr"));
  umask(0111);
  check_name("third");
  step = 2;
  return NULL;
}

static void* second(void* arg) {
  struct thread thread;
  thread_start(&thread, third, NULL);
  ++ready;
  wait_until_flag(&step, 2);
  check_cwd("/usr");
  CHECK_EQ(umask(0111), 0111);
  check_name(arg);
  thread_join(&thread);
  return NULL;
}

static void* first(void* arg) {
  CHECK_OK(unshare(CLONE_FS));
  CHECK_OK(chdir("/etc"));
  umask(0123);
  struct thread thread;
  thread_start(&thread, second, arg);
  ++ready;
  wait_until_flag(&step, 2);
  check_cwd("/usr");
  CHECK_EQ(umask(0111), 0111);
  thread_join(&thread);
  return NULL;
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  char name[64];
  CHECK_OK(gethostname(name, sizeof name));
  CHECK_OK(chdir("/"));
  umask(022);
  struct thread thread;
  thread_start(&thread, first, name);
  wait_until_flag(&ready, 3);
  STEP("together");
  step = 1;
  wait_until_flag(&step, 2);
  STEP("moved");
  thread_join(&thread);
  check_cwd("/");
  CHECK_EQ(umask(022), 022);
  check_name(name);
  subject_done();
}
