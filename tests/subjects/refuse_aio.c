// Holds a context for asynchronous input and output with a request that does not end.
#include "subject.h"

#include <linux/aio_abi.h>
#include <poll.h>

int main(void) {
  aio_context_t context = 0;
  int ends[2];
  CHECK_OK(pipe(ends));
  CHECK_OK(syscall(SYS_io_setup, 16, &context));
  struct iocb request = {
      .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = (uint32_t)ends[0], .aio_buf = POLLIN};
  CHECK_EQ(syscall(SYS_io_submit, context, 1, &(struct iocb*){&request}), 1);
  subject_expect(kNoDescriptor, "io_setup");
  subject_hold();
  CHECK_EQ(write(ends[1], "x", 1), 1);
  struct io_event event;
  CHECK_EQ(syscall(SYS_io_getevents, context, 1, 1, &event, NULL), 1);
  CHECK_OK(syscall(SYS_io_destroy, context));
  subject_done();
}
