// The whole memory map, as /proc/self/smaps tells it: addresses, protection, offsets, names and
// flags of everything.
#include "subject.h"

int main(void) {
  static struct layout before, now;
  int fd = (int)CHECK_OK(open("/proc/self/exe", O_RDONLY));
  CHECK_MAP(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
  CHECK_MAP(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
  CHECK_OK(close(fd));
  CHECK_MAP(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  CHECK_MAP(mmap((void*)0x10000, 8192, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
  CHECK_MAP(mmap((void*)0x7ffff0000000 - 0x100000000, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
                 -1, 0));
  fd = (int)CHECK_OK(open("/dev/zero", O_RDWR));
  CHECK_MAP(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  CHECK_OK(close(fd));
  free(malloc(200));
  layout_read(&before);
  layout_read(&before);
  STEP("layout");
  layout_read(&now);
  layout_check_same(&now, &before);
  for (int i = 0; i < now.count; ++i)
    if (now.vmas[i].perms[0] == 'r' && strncmp(now.vmas[i].path, "[v", 2) != 0)
      (void)*(volatile char*)now.vmas[i].start;
  subject_done();
}
