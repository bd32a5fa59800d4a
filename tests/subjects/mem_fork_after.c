// fork after the restore copies memory on write, both ways, and shares what is shared.
#include "subject.h"

enum { kSize = 4 << 20 };

int main(void) {
  char* own =
      CHECK_MAP(mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  char* shared =
      CHECK_MAP(mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  fill_pattern(own, kSize, 1);
  fill_pattern(shared, kSize, 2);
  STEP("before the fork");
  struct peer child = peer_fork();
  if (child.pid == 0) {
    check_pattern(own, kSize, 1);
    check_pattern(shared, kSize, 2);
    fill_pattern(own, kSize / 2, 3);
    fill_pattern(shared, kSize / 2, 4);
    peer_tell(&child, 0);
    peer_hear(&child);
    check_pattern(own, kSize / 2, 3);
    _exit(0);
  }
  peer_hear(&child);
  check_pattern(own, kSize, 1);
  check_pattern(shared, kSize / 2, 4);
  STEP("copied on write");
  check_pattern(own, kSize, 1);
  check_pattern(shared, kSize / 2, 4);
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
