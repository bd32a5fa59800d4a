// Threads that have left the folders of their process (unshare), as file servers do: each has a
// working directory, a root and a umask of its own.
#include "subject.h"

static atomic_int ready, go;

static void check_cwd(const char* expected) {
  char cwd[PATH_MAX];
  CHECK(getcwd(cwd, sizeof cwd) != NULL);
  CHECK_STR(cwd, expected);
}

static void* elsewhere(void* arg) {
  CHECK_OK(unshare(CLONE_FS));
  CHECK_OK(chdir(subject_path("one")));
  umask(0077);
  ++ready;
  wait_until_flag(&go, 1);
  check_cwd(subject_path("one"));
  CHECK_OK(access("here", F_OK));
  CHECK_EQ(umask(0077), 0077);
  CHECK_OK(chdir("/"));
  return arg;
}

static void* jailed(void* arg) {
  CHECK_OK(unshare(CLONE_FS));
  CHECK_OK(chroot(subject_path("two")));
  CHECK_OK(chdir("/in"));
  ++ready;
  wait_until_flag(&go, 1);
  check_cwd("/in");
  CHECK_ERRNO(access("/proc", F_OK), ENOENT);
  CHECK_OK(access("/in", F_OK));
  return arg;
}

static void* lost(void* arg) {
  CHECK_OK(unshare(CLONE_FS));
  CHECK_OK(chdir(subject_path("gone")));
  CHECK_OK(rmdir(subject_path("gone")));
  umask(0);
  ++ready;
  wait_until_flag(&go, 1);
  char cwd[16];
  CHECK_ERRNO(getcwd(cwd, sizeof cwd) ? 0 : -1, ENOENT);
  CHECK_EQ(umask(0), 0);
  return arg;
}

static void* common(void* arg) {
  ++ready;
  wait_until_flag(&go, 1);
  wait_until_flag(&go, 2);
  check_cwd("/usr");
  return arg;
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  for (const char** name = (const char*[]){"one", "two", "two/in", "gone", NULL}; *name; ++name)
    CHECK_OK(mkdir(subject_path(*name), 0755));
  write_text(subject_path("one/here"), "x");
  CHECK_OK(chdir("/etc"));
  umask(0123);
  struct thread threads[4];
  void* (*const bodies[])(void*) = {elsewhere, common, jailed, lost};
  for (int i = 0; i < 4; ++i) thread_start(&threads[i], bodies[i], NULL);
  wait_until_flag(&ready, 4);
  STEP("folders of their own");
  check_cwd("/etc");
  CHECK_EQ(umask(022), 0123);
  go = 1;
  CHECK_OK(chdir("/usr"));
  go = 2;
  for (int i = 0; i < 4; ++i) thread_join(&threads[i]);
  check_cwd("/usr");
  subject_done();
}
