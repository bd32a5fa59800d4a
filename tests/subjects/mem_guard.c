// Lightweight guard pages (MADV_GUARD_INSTALL) inside a mapping still fault, in parent and child,
// until removed.
#include "subject.h"

#include <setjmp.h>

enum { kInstall = 102, kRemove = 103 };

static sigjmp_buf target;
static void on_fault(int signo) { siglongjmp(target, 1); }

static bool faults(volatile char* at) {
  if (sigsetjmp(target, 1)) return true;
  (void)*at;
  return false;
}

int main(void) {
  size_t page = page_size();
  CHECK(signal(SIGSEGV, on_fault) != SIG_ERR);
  char* area =
      CHECK_MAP(mmap(NULL, 20 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  fill_pattern(area, 20 * page, 1);
  for (size_t i = 3; i < 20; i += 5)
    if (madvise(area + i * page, page, kInstall) != 0)
      subject_skip("MADV_GUARD_INSTALL: %s", strerror(errno));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    peer_hear(&child);
    for (size_t i = 0; i < 20; ++i) CHECK_EQ(faults(area + i * page), i % 5 == 3);
    _exit(0);
  }
  STEP("guards");
  for (size_t i = 0; i < 20; ++i) CHECK_EQ(faults(area + i * page), i % 5 == 3);
  peer_tell(&child, 0);
  peer_end(&child);
  CHECK_OK(madvise(area, 20 * page, kRemove));
  for (size_t i = 0; i < 20; ++i) {
    CHECK(!faults(area + i * page));
    if (i % 5 == 3) CHECK_EQ(area[i * page], 0);
  }
  fill_pattern(area, 20 * page, 2);
  check_pattern(area, 20 * page, 2);
  subject_done();
}
