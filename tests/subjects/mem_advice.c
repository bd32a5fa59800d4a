// Advice kept on mappings, as VmFlags show it: DONTFORK DONTDUMP WIPEONFORK MERGEABLE NOHUGEPAGE
// SEQUENTIAL RANDOM.
// A clone's memory that fork would have wiped is empty.
#include "subject.h"

static const struct {
  int advice;
  const char* flag;
} kAdvice[] = {
    {MADV_DONTFORK, "dc"},   {MADV_DONTDUMP, "dd"}, {MADV_WIPEONFORK, "wf"}, {MADV_MERGEABLE, "mg"},
    {MADV_NOHUGEPAGE, "nh"}, {MADV_HUGEPAGE, "hg"}, {MADV_SEQUENTIAL, "sr"}, {MADV_RANDOM, "rr"},
};
enum { kCount = sizeof kAdvice / sizeof kAdvice[0], kSize = 64 * 1024 };

int main(void) {
  char* areas[kCount];
  static struct layout before, now;
  bool supported[kCount];
  for (int i = 0; i < kCount; ++i) {
    areas[i] = CHECK_MAP(
        mmap(NULL, 2 * kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    fill_pattern(areas[i], kSize, (unsigned)i);
    CHECK_OK(mprotect(areas[i] + kSize, kSize, PROT_NONE));
    supported[i] = madvise(areas[i], kSize, kAdvice[i].advice) == 0;
    if (!supported[i]) CHECK_EQ(errno, EINVAL);
  }
  layout_read(&before);
  for (int i = 0; i < kCount; ++i)
    if (supported[i]) CHECK(strstr(layout_find(&before, areas[i])->flags, kAdvice[i].flag) != NULL);
  STEP("advised");
  layout_read(&now);
  layout_check_same(&now, &before);
  for (int i = 0; i < kCount; ++i) {
    const int wiped = subject_is_clone() && kAdvice[i].advice == MADV_WIPEONFORK && supported[i];
    for (int k = 0; wiped && k < kSize; ++k) CHECK_EQ(areas[i][k], 0);
    if (!wiped) check_pattern(areas[i], kSize, (unsigned)i);
  }
  pid_t child = (pid_t)CHECK_OK(fork());
  if (child == 0) {
    unsigned char resident[kSize / 4096];
    CHECK_ERRNO(mincore(areas[0], kSize, resident), ENOMEM);   // DONTFORK: not here
    for (int i = 0; i < kSize; ++i) CHECK_EQ(areas[2][i], 0);  // WIPEONFORK: empty here
    check_pattern(areas[1], kSize, 1);
    _exit(0);
  }
  reap_ok(child);
  subject_done();
}
