// Supplementary groups, many and few and none, per process.
#include "subject.h"

#include <grp.h>

enum { kMany = 300 };
static const int kCounts[] = {0, 1, 33, kMany};

static void fill(gid_t* groups, int count) {
  for (int i = 0; i < count; ++i) groups[i] = (gid_t)(5000 + i * 7);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  struct peer children[4];
  for (int i = 0; i < 4; ++i) {
    children[i] = peer_fork();
    if (children[i].pid == 0) {
      gid_t wanted[kMany], now[kMany];
      fill(wanted, kCounts[i]);
      CHECK_OK(setgroups((size_t)kCounts[i], wanted));
      peer_tell(&children[i], 0);
      peer_hear(&children[i]);
      CHECK_EQ(getgroups(kMany, now), kCounts[i]);
      CHECK_MEM(now, wanted, sizeof(gid_t) * (size_t)kCounts[i]);
      _exit(0);
    }
    peer_hear(&children[i]);
  }
  STEP("groups");
  for (int i = 0; i < 4; ++i) peer_tell(&children[i], 0), peer_end(&children[i]);
  subject_done();
}
