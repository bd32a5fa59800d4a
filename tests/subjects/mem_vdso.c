// The vdso stays where it was and works: its clock agrees with the system call's, and so does the
// auxiliary vector.
#include "subject.h"

#include <sys/auxv.h>
#include <sys/time.h>

static void check_clock(clockid_t clock) {
  struct timespec by_vdso, by_call;
  for (int i = 0; i < 100; ++i) {
    CHECK_OK(clock_gettime(clock, &by_vdso));
    CHECK_OK(syscall(SYS_clock_gettime, clock, &by_call));
    long long difference =
        (by_call.tv_sec - by_vdso.tv_sec) * 1000000000LL + by_call.tv_nsec - by_vdso.tv_nsec;
    if (difference < 0 || difference > 2000000000LL)
      FAIL("clock %d: vdso and call differ by %lld ns", clock, difference);
  }
}

int main(void) {
  static struct layout before, now;
  unsigned long base = getauxval(AT_SYSINFO_EHDR);
  CHECK(base != 0);
  layout_read(&before);
  unsigned char head[64];
  memcpy(head, (void*)base, sizeof head);
  check_clock(CLOCK_MONOTONIC);
  STEP("vdso");
  layout_read(&now);
  layout_check_same(&now, &before);
  const struct vma* vma = layout_find(&now, (void*)base);
  CHECK(vma != NULL);
  CHECK_STR(vma->path, "[vdso]");
  CHECK_MEM((void*)base, head, sizeof head);
  check_clock(CLOCK_MONOTONIC);
  check_clock(CLOCK_BOOTTIME);
  check_clock(CLOCK_REALTIME);
  struct timeval tv;
  CHECK_OK(gettimeofday(&tv, NULL));
  CHECK_NEAR(tv.tv_sec, time(NULL), 1);
  unsigned cpu = 0;
  CHECK_OK(syscall(SYS_getcpu, &cpu, NULL, NULL));
  CHECK(sched_getcpu() >= 0);
  subject_done();
}
