// Memory that fork withholds or wipes, held by a process that has children: every process keeps its
// own view.
#include "subject.h"

enum { kSize = 64 * 1024 };

int main(void) {
  char* withheld =
      CHECK_MAP(mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  char* wiped =
      CHECK_MAP(mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  fill_pattern(withheld, kSize, 1);
  fill_pattern(wiped, kSize, 2);
  CHECK_OK(madvise(withheld, kSize, MADV_DONTFORK));
  CHECK_OK(madvise(wiped, kSize, MADV_WIPEONFORK));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    unsigned char resident[kSize / 4096];
    fill_pattern(wiped, kSize / 2, 3);
    peer_tell(&child, 0);
    peer_hear(&child);
    CHECK_ERRNO(mincore(withheld, kSize, resident), ENOMEM);
    const int cloned = subject_is_clone();  // then it is as if all of them had been forked
    if (!cloned) check_pattern(wiped, kSize / 2, 3);
    for (int i = cloned ? 0 : kSize / 2; i < kSize; ++i) CHECK_EQ(wiped[i], 0);
    _exit(0);
  }
  peer_hear(&child);
  STEP("withheld and wiped");
  check_pattern(withheld, kSize, 1);
  if (!subject_is_clone()) check_pattern(wiped, kSize, 2);
  for (int i = 0; subject_is_clone() && i < kSize; ++i) CHECK_EQ(wiped[i], 0);
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
