// Holds a userfaultfd of its own with a registered range.
#include "subject.h"

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

int main(void) {
  int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) subject_skip("userfaultfd: %s", strerror(errno));
  struct uffdio_api api = {.api = UFFD_API};
  CHECK_OK(ioctl(fd, UFFDIO_API, &api));
  char* area =
      CHECK_MAP(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  struct uffdio_register range = {.range = {(unsigned long)area, 65536},
                                  .mode = UFFDIO_REGISTER_MODE_MISSING};
  CHECK_OK(ioctl(fd, UFFDIO_REGISTER, &range));
  subject_expect(fd, "userfaultfd");
  subject_hold();
  struct uffdio_zeropage zero = {.range = {(unsigned long)area, 4096}};
  CHECK_OK(ioctl(fd, UFFDIO_ZEROPAGE, &zero));
  CHECK_EQ(area[0], 0);
  subject_done();
}
