// Holds secret memory (memfd_secret), which nobody but its process can read: once by descriptor
// alone, once mapped.
#include "subject.h"

enum { kMemfdSecret = 447 };

int main(void) {
  int unmapped = (int)syscall(kMemfdSecret, O_CLOEXEC);
  if (unmapped < 0) subject_skip("memfd_secret: %s", strerror(errno));
  int fd = (int)CHECK_OK(syscall(kMemfdSecret, O_CLOEXEC));
  CHECK_OK(ftruncate(fd, 4096));
  char* secret = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (secret == MAP_FAILED) subject_skip("secret memory: %s", strerror(errno));
  CHECK_OK(close(fd));
  fill_pattern(secret, 4096, 1);
  subject_expect(unmapped, "secret");
  subject_expect(kNoDescriptor, "secret");
  subject_hold();
  check_pattern(secret, 4096, 1);
  CHECK_OK(ftruncate(unmapped, 4096));
  subject_done();
}
