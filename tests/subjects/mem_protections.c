// PROT_NONE, read-only, write-only and execute-only pages with content: protection and content are
// both kept.
#include "subject.h"

#include <setjmp.h>

static sigjmp_buf target;
static volatile sig_atomic_t code;
static void on_fault(int signo, siginfo_t* info, void* context) {
  code = info->si_code;
  siglongjmp(target, 1);
}

static bool faults(volatile char* at, bool write) {
  code = 0;
  if (sigsetjmp(target, 1)) return true;
  if (write)
    *at = 1;
  else
    (void)*at;
  return false;
}

int main(void) {
  static const int kProtections[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_EXEC,
                                     PROT_READ | PROT_WRITE};
  size_t page = page_size();
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  CHECK_OK(sigaction(SIGSEGV, &action, NULL));
  char* area =
      CHECK_MAP(mmap(NULL, 12 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  fill_pattern(area, 12 * page, 5);
  for (size_t i = 0; i < 12; ++i) CHECK_OK(mprotect(area + i * page, page, kProtections[i % 4]));
  static struct layout before, now;
  layout_read(&before);
  layout_read(&before);
  STEP("protections");
  layout_read(&now);
  layout_check_same(&now, &before);
  for (size_t i = 0; i < 12; ++i) {
    char* at = area + i * page;
    CHECK_EQ(faults(at, false), i % 4 == 0);
    if (i % 4 == 0) CHECK_EQ(code, SEGV_ACCERR);
    if (i % 4 != 3) {
      CHECK(faults(at, true));
      CHECK_EQ(code, SEGV_ACCERR);
    }
  }
  CHECK_OK(mprotect(area, 12 * page, PROT_READ | PROT_WRITE));
  check_pattern(area, 12 * page, 5);
  subject_done();
}
