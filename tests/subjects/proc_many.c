// Fifty processes, each with memory of its own, all come back and all answer.
#include "subject.h"

enum { kCount = 50 };
static unsigned char own[3 * 4096];

int main(void) {
  struct peer children[kCount];
  for (int i = 0; i < kCount; ++i) {
    children[i] = peer_fork();
    if (children[i].pid == 0) {
      for (int j = 0; j < i; ++j) close(children[j].tell), close(children[j].hear);
      fill_pattern(own, sizeof own, (unsigned)i);
      peer_tell(&children[i], 0);
      long value = peer_hear(&children[i]);
      check_pattern(own, sizeof own, (unsigned)i);
      peer_tell(&children[i], value * 2 + getpid());
      _exit(0);
    }
    peer_hear(&children[i]);
  }
  STEP("fifty");
  for (int i = 0; i < kCount; ++i) peer_tell(&children[i], i);
  for (int i = 0; i < kCount; ++i) CHECK_EQ(peer_hear(&children[i]), i * 2 + children[i].pid);
  for (int i = 0; i < kCount; ++i) peer_end(&children[i]);
  subject_done();
}
