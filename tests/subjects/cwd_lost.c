// Folders that were removed while they were in use: held open in both ways, one inside another, as
// somebody's root, and with another folder under the same name since.
#include "subject.h"

static void check_link(int fd, const char* name) {
  char path[64], link[PATH_MAX] = {0}, expected[PATH_MAX];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  snprintf(expected, sizeof expected, "%s (deleted)", subject_path(name));
  CHECK_OK(readlink(path, link, sizeof link - 1));
  CHECK_STR(link, expected);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  for (const char** name = (const char*[]){"gone", "path", "outer", "outer/inner", "root", NULL};
       *name; ++name)
    CHECK_OK(mkdir(subject_path(*name), 0755));
  int held = (int)CHECK_OK(open(subject_path("gone"), O_RDONLY | O_DIRECTORY));
  int path = (int)CHECK_OK(open(subject_path("path"), O_PATH | O_DIRECTORY));
  int inner = (int)CHECK_OK(open(subject_path("outer/inner"), O_RDONLY));
  CHECK_OK(fchown(held, 1234, 4321));
  CHECK_OK(fchmod(held, 01753));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    CHECK_OK(chroot(subject_path("root")));
    CHECK_OK(chdir("/"));
    peer_tell(&child, 0);
    peer_hear(&child);
    CHECK_ERRNO(access("/proc", F_OK), ENOENT);
    CHECK_ERRNO(mkdir("/new", 0755), ENOENT);
    CHECK_OK(chdir(".."));
    CHECK_ERRNO(access("tmp", F_OK), ENOENT);
    _exit(0);
  }
  peer_hear(&child);
  for (const char** name = (const char*[]){"gone", "path", "outer/inner", "outer", "root", NULL};
       *name; ++name)
    CHECK_OK(rmdir(subject_path(*name)));
  CHECK_OK(mkdir(subject_path("gone"), 0755));
  write_text(subject_path("gone/file"), "another");
  STEP("lost folders");
  struct stat st;
  CHECK_OK(fstat(held, &st));
  CHECK_EQ(st.st_mode, S_IFDIR | 01753);
  CHECK_EQ(st.st_uid, 1234);
  CHECK_EQ(st.st_gid, 4321);
  CHECK_EQ(st.st_nlink, 0);
  check_link(held, "gone");
  check_link(path, "path");
  check_link(inner, "outer/inner");
  CHECK_ERRNO(openat(held, "file", O_RDONLY), ENOENT);
  CHECK_ERRNO(openat(held, "file", O_CREAT | O_WRONLY, 0644), ENOENT);
  CHECK_ERRNO(openat(path, "file", O_CREAT | O_WRONLY, 0644), ENOENT);
  CHECK_EQ(fcntl(path, F_GETFL) & O_PATH, O_PATH);
  char text[16];
  read_text(subject_path("gone/file"), text, sizeof text);
  CHECK_STR(text, "another");
  CHECK_ERRNO(access(subject_path("outer"), F_OK), ENOENT);
  CHECK_OK(fchdir(inner));
  CHECK_ERRNO(getcwd(text, sizeof text) ? 0 : -1, ENOENT);
  CHECK_OK(chdir("/"));
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
