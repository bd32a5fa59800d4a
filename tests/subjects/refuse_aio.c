// Holds a context for asynchronous input and output.
#include "subject.h"

#include <linux/aio_abi.h>

int main(void) {
  aio_context_t context = 0;
  CHECK_OK(syscall(SYS_io_setup, 16, &context));
  subject_expect(kNoDescriptor, "io_setup");
  subject_hold();
  CHECK_OK(syscall(SYS_io_destroy, context));
  subject_done();
}
