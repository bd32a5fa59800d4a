// A chrooted process: its root and its folder within stay, and so does what it cannot reach.
#include "subject.h"

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  CHECK_OK(mkdir(subject_path("jail"), 0755));
  CHECK_OK(mkdir(subject_path("jail/inner"), 0755));
  write_text(subject_path("jail/inner/file"), "inside");
  struct peer child = peer_fork();
  if (child.pid == 0) {
    char text[64];
    CHECK_OK(chroot(subject_path("jail")));
    CHECK_OK(chdir("/inner"));
    int fd = (int)CHECK_OK(open("file", O_RDONLY));
    peer_tell(&child, 0);
    peer_hear(&child);
    CHECK(getcwd(text, sizeof text) != NULL);
    CHECK_STR(text, "/inner");
    memset(text, 0, sizeof text);
    CHECK_EQ(read(fd, text, sizeof text), 6);
    CHECK_STR(text, "inside");
    read_text("/inner/file", text, sizeof text);
    CHECK_STR(text, "inside");
    CHECK_ERRNO(access("/proc", F_OK), ENOENT);
    CHECK_OK(chdir("../../../.."));
    CHECK_OK(access("inner", F_OK));
    _exit(0);
  }
  peer_hear(&child);
  STEP("chroot");
  char link[PATH_MAX] = {0}, path[64];
  snprintf(path, sizeof path, "/proc/%d/root", child.pid);
  CHECK_OK(readlink(path, link, sizeof link - 1));
  CHECK_STR(link, subject_path("jail"));
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
