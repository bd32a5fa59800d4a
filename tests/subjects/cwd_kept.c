// The current directory, per process, by name and by use.
#include "subject.h"

int main(void) {
  CHECK_OK(mkdir(subject_path("a"), 0755));
  CHECK_OK(mkdir(subject_path("b"), 0755));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    char cwd[PATH_MAX];
    CHECK_OK(chdir(subject_path("b")));
    peer_tell(&child, 0);
    peer_hear(&child);
    CHECK(getcwd(cwd, sizeof cwd) != NULL);
    CHECK_STR(cwd, subject_path("b"));
    write_text("in-b", "x");
    CHECK_OK(access(subject_path("b/in-b"), F_OK));
    _exit(0);
  }
  peer_hear(&child);
  CHECK_OK(chdir(subject_path("a")));
  STEP("two folders");
  char cwd[PATH_MAX];
  CHECK(getcwd(cwd, sizeof cwd) != NULL);
  CHECK_STR(cwd, subject_path("a"));
  CHECK_OK(chdir("../b"));
  peer_tell(&child, 0);
  peer_end(&child);
  CHECK_OK(access("in-b", F_OK));
  subject_done();
}
