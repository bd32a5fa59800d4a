// What /proc tells of a program after exec (comm, exe, cmdline, environ, auxv) stays, and exec
// still works after.
#include "subject.h"

struct view {
  char comm[32], exe[PATH_MAX], cmdline[1024], environment[8192], auxv[1024];
  size_t cmdline_size, environment_size, auxv_size;
};

static void look(struct view* view) {
  memset(view, 0, sizeof *view);
  read_text("/proc/self/comm", view->comm, sizeof view->comm);
  CHECK_OK(readlink("/proc/self/exe", view->exe, sizeof view->exe - 1));
  view->cmdline_size = read_text("/proc/self/cmdline", view->cmdline, sizeof view->cmdline);
  view->environment_size =
      read_text("/proc/self/environ", view->environment, sizeof view->environment);
  view->auxv_size = read_text("/proc/self/auxv", view->auxv, sizeof view->auxv);
}

int main(int argc, char** argv) {
  if (argc == 1) {
    char* args[] = {"other-name", "first argument", "", "third", NULL};
    CHECK_OK(setenv("SUBJECT_MARK", "kept", 1));
    CHECK_OK(execv("/proc/self/exe", args));
  }
  if (argc == 2) _exit(strcmp(argv[1], "again") == 0 ? 0 : 1);
  static struct view before, after;
  look(&before);
  CHECK_EQ(memcmp(before.cmdline, "other-name\0first argument\0\0third\0", 33), 0);
  CHECK(memmem(before.environment, before.environment_size, "SUBJECT_MARK=kept", 18) != NULL);
  STEP("after exec");
  look(&after);
  CHECK_STR(after.comm, before.comm);
  CHECK_STR(after.exe, before.exe);
  CHECK_EQ(after.cmdline_size, before.cmdline_size);
  CHECK_EQ(after.environment_size, before.environment_size);
  CHECK_EQ(after.auxv_size, before.auxv_size);
  CHECK_MEM(after.cmdline, before.cmdline, before.cmdline_size);
  CHECK_MEM(after.environment, before.environment, before.environment_size);
  CHECK_MEM(after.auxv, before.auxv, before.auxv_size);
  CHECK_STR(getenv("SUBJECT_MARK"), "kept");
  pid_t child = (pid_t)CHECK_OK(fork());
  if (child == 0) {
    execl("/proc/self/exe", "again", "again", NULL);
    FAIL("execl");
  }
  reap_ok(child);
  subject_done();
}
