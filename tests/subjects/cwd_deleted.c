// The current directory was removed: the process stays in it, getcwd says ENOENT, nothing can be
// made in it.
#include "subject.h"

int main(void) {
  CHECK_OK(mkdir(subject_path("gone"), 0755));
  CHECK_OK(chdir(subject_path("gone")));
  CHECK_OK(rmdir(subject_path("gone")));
  char expected[PATH_MAX], link[PATH_MAX] = {0};
  snprintf(expected, sizeof expected, "%s (deleted)", subject_path("gone"));
  STEP("deleted folder");
  char cwd[PATH_MAX];
  CHECK_ERRNO(getcwd(cwd, sizeof cwd) ? 0 : -1, ENOENT);
  CHECK_OK(readlink("/proc/self/cwd", link, sizeof link - 1));
  CHECK_STR(link, expected);
  CHECK_ERRNO(open("file", O_CREAT | O_WRONLY, 0644), ENOENT);
  struct stat st;
  CHECK_OK(stat(".", &st));
  CHECK_EQ(st.st_nlink, 0);
  CHECK_ERRNO(access(subject_path("gone"), F_OK), ENOENT);
  CHECK_OK(chdir("/"));
  subject_done();
}
