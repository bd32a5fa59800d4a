// Regular files keep offset, access mode and status flags; reading and writing go on where they
// were.
#include "subject.h"

int main(void) {
  const char* path = subject_path("file");
  static char bytes[10000];
  fill_pattern(bytes, sizeof bytes, 1);
  int rw = (int)CHECK_OK(open(path, O_RDWR | O_CREAT, 0640));
  CHECK_EQ(write(rw, bytes, sizeof bytes), sizeof bytes);
  CHECK_EQ(lseek(rw, 1234, SEEK_SET), 1234);
  int ro = (int)CHECK_OK(open(path, O_RDONLY | O_NOATIME));
  CHECK_EQ(lseek(ro, 77777, SEEK_SET), 77777);  // past the end
  int wo = (int)CHECK_OK(open(path, O_WRONLY | O_SYNC | O_NONBLOCK));
  int fds[] = {rw, ro, wo};
  int flags[3];
  for (int i = 0; i < 3; ++i) flags[i] = (int)CHECK_OK(fcntl(fds[i], F_GETFL));
  STEP("offsets");
  for (int i = 0; i < 3; ++i) CHECK_EQ(fcntl(fds[i], F_GETFL), flags[i]);
  CHECK_EQ(lseek(rw, 0, SEEK_CUR), 1234);
  CHECK_EQ(lseek(ro, 0, SEEK_CUR), 77777);
  CHECK_EQ(lseek(wo, 0, SEEK_CUR), 0);
  char now[100];
  CHECK_EQ(read(rw, now, sizeof now), sizeof now);
  CHECK_MEM(now, bytes + 1234, sizeof now);
  CHECK_ERRNO(write(ro, "x", 1), EBADF);
  CHECK_ERRNO(read(wo, now, 1), EBADF);
  CHECK_EQ(write(wo, "new", 3), 3);
  CHECK_EQ(pread(ro, now, 3, 0), 3);
  CHECK_MEM(now, "new", 3);
  CHECK_OK(fcntl(wo, F_SETFL, O_APPEND));
  STEP("append set later");
  CHECK_EQ(fcntl(wo, F_GETFL) & O_APPEND, O_APPEND);
  CHECK_EQ(write(wo, "end", 3), 3);
  CHECK_EQ(lseek(wo, 0, SEEK_CUR), (long)sizeof bytes + 3);
  struct stat st;
  CHECK_OK(stat(path, &st));
  CHECK_EQ(st.st_mode & 07777, 0640);
  CHECK_EQ(st.st_size, (long)sizeof bytes + 3);
  subject_done();
}
