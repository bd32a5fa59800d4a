// Descriptor numbers with gaps and high ones (1000, 1500) stay; the lowest free number is the next
// one given.
#include "subject.h"

#include <dirent.h>
#include <sys/resource.h>

static int list(int* numbers, int max) {
  int count = 0;
  for (int fd = 0; fd < 4000 && count < max; ++fd)
    if (fcntl(fd, F_GETFD) >= 0) numbers[count++] = fd;
  return count;
}

int main(void) {
  static int before[200], now[200];
  struct rlimit limit;
  CHECK_OK(getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
  CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
  write_text(subject_path("file"), "0123456789");
  int fd = (int)CHECK_OK(open(subject_path("file"), O_RDONLY));
  int high = limit.rlim_cur > 1600 ? 1500 : 900;
  for (int i = 0; i < 40; ++i) CHECK_OK(dup(fd));
  for (int i = 0; i < 40; i += 3) CHECK_OK(close(fd + 1 + i));
  CHECK_OK(dup2(fd, 500));
  CHECK_OK(dup2(fd, high));
  int other = (int)CHECK_OK(open(subject_path("file"), O_RDONLY));
  CHECK_OK(dup2(other, high / 3 * 2));
  CHECK_OK(close(other));
  int count = list(before, 200);
  STEP("numbers");
  CHECK_EQ(list(now, 200), count);
  CHECK_MEM(now, before, sizeof now[0] * (size_t)count);
  CHECK_EQ(lseek(500, 4, SEEK_SET), 4);
  CHECK_EQ(lseek(high, 0, SEEK_CUR), 4);
  CHECK_EQ(lseek(high / 3 * 2, 0, SEEK_CUR), 0);
  CHECK_EQ(dup(fd), fd + 1);
  CHECK_EQ(dup(fd), fd + 4);
  CHECK_EQ(fcntl(fd, F_DUPFD, 500), 501);
  subject_done();
}
