// memfd seals are kept: what they forbid stays forbidden, also for a process that shares the file.
#include "subject.h"

enum {
  kAllow = 2,
  kNoExec = 8,
  kExec = 32,
  kAddSeals = 1033,
  kGetSeals = 1034,
  kSealSeal = 1,
  kShrink = 2,
  kGrow = 4,
  kWrite = 8,
  kFutureWrite = 16
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
  // What is mapped after the one is sealed, and before the other.
  int watched = make("watched", "watched", kShrink | kGrow | kWrite);
  const char* seen = CHECK_MAP(mmap(NULL, 4096, PROT_READ, MAP_SHARED, watched, 0));
  int published = (int)CHECK_OK(syscall(SYS_memfd_create, "published", kAllow));
  CHECK_OK(ftruncate(published, 4096));
  char* page = CHECK_MAP(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, published, 0));
  CHECK_OK(fcntl(published, kAddSeals, kShrink | kGrow | kFutureWrite));
  int data = (int)CHECK_OK(syscall(SYS_memfd_create, "data", kAllow | kNoExec));
  CHECK_OK(fchmod(data, 0640));
  STEP("sealed");
  struct stat info;
  CHECK_OK(fstat(data, &info));
  CHECK_EQ(info.st_mode & 07777, 0640);
  CHECK_EQ(fcntl(data, kGetSeals), kExec);
  CHECK_ERRNO(fchmod(data, 0750), EPERM);
  CHECK_EQ(pwrite(data, "z", 1, 0), 1);
  CHECK_MEM(seen, "watched", 7);
  CHECK_ERRNO(mprotect((void*)seen, 4096, PROT_READ | PROT_WRITE), EACCES);
  CHECK_EQ(fcntl(published, kGetSeals), kShrink | kGrow | kFutureWrite);
  page[0] = 'x';
  CHECK_ERRNO(pwrite(published, "y", 1, 0), EPERM);
  CHECK_EQ(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, published, 0) == MAP_FAILED, true);
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
