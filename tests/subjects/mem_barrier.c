// What a process has registered for with membarrier is there after a restore, and no more than
// that.
#include "subject.h"

#include <linux/membarrier.h>

static long barrier(int command) { return syscall(SYS_membarrier, command, 0, 0); }

int main(void) {
  if (barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0)
    subject_skip("membarrier: %s", strerror(errno));
  CHECK_OK(barrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED));
  CHECK_OK(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
  STEP("registered");
  CHECK_OK(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
  CHECK_ERRNO(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE), EPERM);
  subject_done();
}
