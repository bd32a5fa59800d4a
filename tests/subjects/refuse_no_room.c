// A process that may have no more memory than it has (RLIMIT_AS), so that it cannot be asked about
// itself; beside it one that can, which is left as it was.
#include "subject.h"

#include <dirent.h>
#include <sys/resource.h>

static int count_descriptors(void) {
  DIR* dir = opendir("/proc/self/fd");
  CHECK(dir != NULL);
  int count = 0;
  while (readdir(dir) != NULL) ++count;
  CHECK_OK(closedir(dir));
  return count;
}

int main(void) {
  enum { kMemory = 16 << 20 };
  void* memory =
      CHECK_MAP(mmap(NULL, kMemory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  fill_pattern(memory, kMemory, 1);
  struct peer child = peer_fork();
  if (child.pid == 0) {
    fill_pattern(memory, kMemory, 2);
    struct rlimit limit;
    CHECK_OK(getrlimit(RLIMIT_AS, &limit));
    limit.rlim_cur = 1 << 20;
    CHECK_OK(setrlimit(RLIMIT_AS, &limit));
    peer_tell(&child, 0);
    peer_hear(&child);
    check_pattern(memory, kMemory, 2);
    _exit(0);
  }
  peer_hear(&child);
  const int before = count_descriptors();
  subject_expect(kAnyProcess, "no room in its memory");
  subject_hold();
  CHECK_EQ(count_descriptors(), before);
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
