// The blocked mask, as the kernel has it (glibc's own two signals too), and ignored signals in
// /proc/self/status.
#include "subject.h"

static void status_line(const char* name, char* line, size_t size) {
  static char text[8192];
  read_text("/proc/self/status", text, sizeof text);
  const char* at = strstr(text, name);
  CHECK(at != NULL);
  snprintf(line, size, "%.*s", (int)strcspn(at, "\n"), at);
}

int main(void) {
  static const char* const kLines[] = {
      "SigQ:", "SigPnd:", "ShdPnd:", "SigBlk:", "SigIgn:", "SigCgt:"};
  char before[6][80], now[80];
  unsigned long mask = 0x5a5a5a5ad0f0a5a1ul, got = 0;
  for (int signo = 20; signo < 50; signo += 3) signal(signo, SIG_IGN);
  CHECK_OK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8));
  CHECK_OK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &mask, 8));
  for (int i = 1; i < 6; ++i) status_line(kLines[i], before[i], sizeof before[i]);
  STEP("mask");
  CHECK_OK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &got, 8));
  CHECK_EQ(got, mask);
  for (int i = 1; i < 6; ++i) {
    status_line(kLines[i], now, sizeof now);
    CHECK_STR(now, before[i]);
  }
  subject_done();
}
