// Host name, release, cgroup path, program, pid, group, session and parent, as seen from inside,
// stay the same.
#include "subject.h"

#include <sys/utsname.h>

static void read_link(const char* path, char* text, size_t size) {
  memset(text, 0, size);
  CHECK_OK(readlink(path, text, size - 1));
}

int main(void) {
  struct utsname before, now;
  char cgroup[512], cgroup_now[512], exe[PATH_MAX], exe_now[PATH_MAX];
  CHECK_OK(uname(&before));
  read_text("/proc/self/cgroup", cgroup, sizeof cgroup);
  read_link("/proc/self/exe", exe, sizeof exe);
  pid_t pid = getpid(), group = getpgrp(), session = getsid(0), parent = getppid();
  STEP("identity");
  CHECK_OK(uname(&now));
  CHECK_STR(now.nodename, before.nodename);
  CHECK_STR(now.release, before.release);
  read_text("/proc/self/cgroup", cgroup_now, sizeof cgroup_now);
  CHECK_STR(cgroup_now, cgroup);
  read_link("/proc/self/exe", exe_now, sizeof exe_now);
  CHECK_STR(exe_now, exe);
  CHECK_EQ(getpid(), pid);
  CHECK_EQ(getpgrp(), group);
  CHECK_EQ(getsid(0), session);
  CHECK_EQ(getppid(), parent);
  subject_done();
}
