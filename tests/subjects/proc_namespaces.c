// Holds the namespaces it lives in, as programs do that mean to come back.
#include "subject.h"

int main(void) {
  static const char* const kKinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
  enum { kCount = sizeof kKinds / sizeof kKinds[0] };
  int fds[kCount], link;
  char path[64];
  for (int i = 0; i < kCount; ++i) {
    snprintf(path, sizeof path, "/proc/self/ns/%s", kKinds[i]);
    fds[i] = (int)CHECK_OK(open(path, O_RDONLY | O_CLOEXEC));
  }
  link = (int)CHECK_OK(open("/proc/self/ns/net", O_PATH | O_NOFOLLOW));
  STEP("namespaces");
  for (int i = 0; i < kCount; ++i) {
    struct stat held, now;
    snprintf(path, sizeof path, "/proc/self/ns/%s", kKinds[i]);
    CHECK_OK(fstat(fds[i], &held));
    CHECK_OK(stat(path, &now));
    CHECK_EQ(held.st_ino, now.st_ino);
    CHECK_EQ(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
  }
  char text[64] = {0};
  CHECK_OK(readlinkat(link, "", text, sizeof text - 1));
  CHECK(strncmp(text, "net:[", 5) == 0);
  if (geteuid() == 0) CHECK_OK(setns(fds[7], CLONE_NEWUTS));
  subject_done();
}
