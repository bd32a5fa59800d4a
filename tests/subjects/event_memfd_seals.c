// memfd seals are kept: what they forbid stays forbidden, also for a process that shares the file.
#include "subject.h"

enum {
  kAllow = 2,
  kAddSeals = 1033,
  kGetSeals = 1034,
  kSealSeal = 1,
  kShrink = 2,
  kGrow = 4,
  kWrite = 8
};

static int make(const char* name, const char* content, int seals) {
  int fd = (int)CHECK_OK(syscall(SYS_memfd_create, name, kAllow));
  CHECK_EQ(write(fd, content, strlen(content)), strlen(content));
  CHECK_OK(fcntl(fd, kAddSeals, seals));
  return fd;
}

int main(void) {
  int frozen = make("frozen", "frozen", kShrink | kGrow | kWrite | kSealSeal);
  int sized = make("sized", "sized", kShrink | kGrow);
  int open_ended = make("open", "open", 0);
  STEP("sealed");
  char text[16] = {0};
  CHECK_EQ(fcntl(frozen, kGetSeals), kShrink | kGrow | kWrite | kSealSeal);
  CHECK_EQ(fcntl(sized, kGetSeals), kShrink | kGrow);
  CHECK_EQ(fcntl(open_ended, kGetSeals), 0);
  CHECK_EQ(pread(frozen, text, sizeof text, 0), 6);
  CHECK_STR(text, "frozen");
  CHECK_ERRNO(pwrite(frozen, "x", 1, 0), EPERM);
  CHECK_ERRNO(fcntl(frozen, kAddSeals, kGrow), EPERM);
  CHECK_ERRNO(ftruncate(sized, 100), EPERM);
  CHECK_ERRNO(ftruncate(sized, 1), EPERM);
  CHECK_EQ(pwrite(sized, "SIZED", 5, 0), 5);
  CHECK_OK(ftruncate(open_ended, 100));
  CHECK_OK(fcntl(open_ended, kAddSeals, kGrow));
  CHECK_ERRNO(ftruncate(open_ended, 200), EPERM);
  subject_done();
}
