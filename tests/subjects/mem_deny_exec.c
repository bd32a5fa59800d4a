// PR_SET_MDWE: memory that was writable can still not be made executable.
#include "subject.h"

enum { kSetMdwe = 65, kGetMdwe = 66, kRefuseExecGain = 1 };

int main(void) {
  if (prctl(kSetMdwe, kRefuseExecGain, 0, 0, 0) != 0)
    subject_skip("PR_SET_MDWE: %s", strerror(errno));
  size_t size = page_size();
  char* area =
      CHECK_MAP(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK_ERRNO(mprotect(area, size, PROT_READ | PROT_EXEC), EACCES);
  STEP("denied");
  CHECK_EQ(prctl(kGetMdwe, 0, 0, 0, 0), kRefuseExecGain);
  CHECK_ERRNO(mprotect(area, size, PROT_READ | PROT_EXEC), EACCES);
  subject_done();
}
