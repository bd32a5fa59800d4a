// Holds several obstacles in two processes at once: a socket, a device or event counter, and a
// request for asynchronous input that does not end.
#include "subject.h"

#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/socket.h>

static void ask_for_what_never_comes(aio_context_t context) {
  int ends[2];
  CHECK_OK(pipe(ends));
  struct iocb request = {
      .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = (uint32_t)ends[0], .aio_buf = POLLIN};
  CHECK_EQ(syscall(SYS_io_submit, context, 1, &(struct iocb*){&request}), 1);
}

int main(void) {
  int socket_fd = (int)CHECK_OK(socket(AF_PACKET, SOCK_DGRAM, 0));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    CHECK_OK(close(socket_fd));
    int raw = (int)CHECK_OK(socket(AF_PACKET, SOCK_RAW, 0));
    subject_expect(raw, "packet|socket");
    peer_tell(&child, 0);
    peer_hear(&child);
    _exit(0);
  }
  peer_hear(&child);
  subject_expect(socket_fd, "packet|socket");
  aio_context_t context = 0;
  if (syscall(SYS_io_setup, 1, &context) == 0) {
    ask_for_what_never_comes(context);
    subject_expect(kNoDescriptor, "io_setup");
  }
  subject_hold();
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
