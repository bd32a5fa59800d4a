// Shared anonymous memory of three processes, at one address and at another: writes are seen by
// all, afterwards too.
#include "subject.h"

enum { kSize = 256 * 1024 };

int main(void) {
  volatile int* shared =
      CHECK_MAP(mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  volatile int* other =
      CHECK_MAP(mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  fill_pattern((void*)(shared + 1024), kSize / 2, 4);
  fill_pattern((void*)other, kSize, 5);
  struct peer children[2];
  for (int i = 0; i < 2; ++i) {
    children[i] = peer_fork();
    if (children[i].pid == 0) {
      if (i == 1)  // the same object elsewhere, its first half only
        shared = CHECK_MAP(mremap((void*)shared, kSize, kSize, MREMAP_MAYMOVE | MREMAP_FIXED,
                                  (char*)sbrk(0) + (64 << 20)));
      peer_tell(&children[i], 0);
      for (long round; (round = peer_hear(&children[i])) != 0;) {
        CHECK_EQ(shared[0], round);
        shared[i + 1] = (int)round * 10 + i;
        peer_tell(&children[i], 0);
      }
      check_pattern((void*)(shared + 1024), kSize / 2, 4);
      _exit(0);
    }
    peer_hear(&children[i]);
  }
  for (int round = 1; round <= 3; ++round) {
    shared[0] = round;
    STEP(round == 1 ? "first" : round == 2 ? "second" : "third");
    for (int i = 0; i < 2; ++i) {
      peer_tell(&children[i], round);
      peer_hear(&children[i]);
      CHECK_EQ(shared[i + 1], round * 10 + i);
    }
    check_pattern((void*)(shared + 1024), kSize / 2, 4);
    check_pattern((void*)other, kSize, 5);
  }
  for (int i = 0; i < 2; ++i) peer_tell(&children[i], 0), peer_end(&children[i]);
  subject_done();
}
