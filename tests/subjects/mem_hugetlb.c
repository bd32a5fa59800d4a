// Memory from the huge page pool: private, shared with a child, of a memfd; what is untouched stays
// promised.
#include <linux/memfd.h>

#include "subject.h"

enum { kHuge = 2 << 20, kPages = 7 };

static long pool(const char* what) {
  char path[128];
  snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/hugepages-2048kB/%s", what);
  FILE* file = fopen(path, "r");
  long count = -1;
  if (file == NULL || fscanf(file, "%ld", &count) != 1) count = -1;
  if (file != NULL) fclose(file);
  return count;
}

static int is_huge(const void* at) {
  char line[512], start[32];
  snprintf(start, sizeof start, "%lx-", (unsigned long)at);
  FILE* maps = fopen("/proc/self/smaps", "r");
  int found = 0, huge = 0;
  while (fgets(line, sizeof line, maps) != NULL) {
    if (strncmp(line, start, strlen(start)) == 0) found = 1;
    if (found && strncmp(line, "KernelPageSize:", 15) == 0) {
      huge = atoi(line + 15) == kHuge >> 10;
      break;
    }
  }
  fclose(maps);
  return huge;
}

int main(void) {
  if (pool("free_hugepages") - pool("resv_hugepages") < kPages)
    subject_skip("needs %d free huge pages (vm.nr_hugepages)", kPages);
  const int plain = MAP_ANONYMOUS | MAP_HUGETLB, both = PROT_READ | PROT_WRITE;
  char* own = CHECK_MAP(mmap(NULL, 2 * kHuge, both, MAP_PRIVATE | plain, -1, 0));
  char* shared = CHECK_MAP(mmap(NULL, 2 * kHuge, both, MAP_SHARED | plain, -1, 0));
  int fd = (int)CHECK_OK(syscall(SYS_memfd_create, "huge", MFD_CLOEXEC | MFD_HUGETLB));
  CHECK_OK(ftruncate(fd, 2 * kHuge));
  char* file = CHECK_MAP(mmap(NULL, kHuge, both, MAP_SHARED, fd, kHuge));
  char* copy = CHECK_MAP(mmap(NULL, kHuge, both, MAP_PRIVATE, fd, kHuge));
  fill_pattern(own + 4096, 3 * 4096, 1);
  fill_pattern(shared + kHuge, kHuge, 2);
  fill_pattern(file, kHuge / 2, 3);
  copy[kHuge - 1] = 'c';
  struct peer child = peer_fork();
  if (child.pid == 0) {
    peer_hear(&child);
    check_pattern(shared + kHuge, kHuge, 2);
    shared[0] = 's';
    CHECK_EQ(pwrite(fd, "x", 1, 0) < 0, 1);  // the kernel has no way to write there
    _exit(0);
  }
  STEP("filled");
  CHECK(is_huge(own) && is_huge(shared) && is_huge(file) && is_huge(copy));
  check_pattern(own + 4096, 3 * 4096, 1);
  CHECK_EQ(own[0], 0);
  own[kHuge] = 'o';
  peer_tell(&child, 0);
  peer_end(&child);
  CHECK_EQ(shared[0], 's');
  check_pattern(file, kHuge / 2, 3);
  CHECK_EQ(copy[kHuge - 1], 'c');
  CHECK_EQ(file[kHuge - 1], 0);
  CHECK_MEM(copy, file, kHuge - 1);
  char bytes[4];
  CHECK_EQ(pread(fd, bytes, sizeof bytes, kHuge), sizeof bytes);
  CHECK_MEM(bytes, file, sizeof bytes);
  STEP("changed");
  CHECK_EQ(own[kHuge], 'o');
  CHECK_OK(munmap(own, 2 * kHuge));
  CHECK_OK(munmap(copy, kHuge));
  STEP("given_back");
  check_pattern(shared + kHuge, kHuge, 2);
  check_pattern(file, kHuge / 2, 3);
  subject_done();
}
