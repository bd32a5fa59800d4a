// The harmless devices stay open: null, zero, full, random and urandom, with their flags.
#include "subject.h"

int main(void) {
  static const char* const kNames[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                                       "/dev/urandom"};
  int fds[5];
  for (int i = 0; i < 5; ++i)
    fds[i] = (int)CHECK_OK(open(kNames[i], O_RDWR | (i % 2 ? O_CLOEXEC : O_NONBLOCK)));
  STEP("devices");
  char bytes[32], none[32] = {0};
  for (int i = 0; i < 5; ++i) {
    struct stat now, named;
    CHECK_OK(fstat(fds[i], &now));
    CHECK_OK(stat(kNames[i], &named));
    CHECK_EQ(now.st_rdev, named.st_rdev);
    CHECK_EQ(fcntl(fds[i], F_GETFD), i % 2 ? FD_CLOEXEC : 0);
    CHECK_EQ(fcntl(fds[i], F_GETFL) & O_NONBLOCK, i % 2 ? 0 : O_NONBLOCK);
  }
  CHECK_EQ(read(fds[0], bytes, 1), 0);
  CHECK_EQ(write(fds[0], bytes, 1), 1);
  CHECK_EQ(read(fds[1], bytes, sizeof bytes), sizeof bytes);
  CHECK_MEM(bytes, none, sizeof none);
  CHECK_ERRNO(write(fds[2], bytes, 1), ENOSPC);
  CHECK_EQ(read(fds[4], bytes, sizeof bytes), sizeof bytes);
  CHECK(memcmp(bytes, none, sizeof none) != 0);
  subject_done();
}
