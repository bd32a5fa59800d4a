// A byte sent out of band to a UNIX stream waits beside the others, at its place among them.
#include "subject_net.h"

static int at_mark(int fd) {
  int mark = -1;
  CHECK_OK(ioctl(fd, SIOCATMARK, &mark));
  return mark;
}

int main(void) {
  int probe[2], taken[2], passed[2], inlined[2];
  char byte = 0;
  CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, probe));
  CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, taken));
  CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, passed));
  CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, inlined));
  set_option(inlined[1], SOL_SOCKET, SO_OOBINLINE, 1);
  if (send(probe[0], "!", 1, MSG_OOB) < 0 && errno == EOPNOTSUPP)
    subject_skip("the kernel has no MSG_OOB for UNIX sockets");
  for (int i = 0; i < 3; ++i) {
    int fd = (int[]){taken[0], passed[0], inlined[0]}[i];
    send_text(fd, "before");
    CHECK_EQ(send(fd, "!", 1, MSG_OOB), 1);
    send_text(fd, "after");
  }
  STEP("pending");
  CHECK_EQ(poll_now(taken[1], POLLIN | POLLPRI), POLLIN | POLLPRI);
  CHECK_EQ(recv(taken[1], &byte, 1, MSG_OOB), 1);
  CHECK_EQ(byte, '!');
  CHECK_ERRNO(recv(taken[1], &byte, 1, MSG_OOB), EINVAL);
  CHECK_EQ(at_mark(taken[1]), 0);
  RECEIVE_MESSAGE(taken[1], "before");
  RECEIVE_MESSAGE(taken[1], "after");
  RECEIVE_MESSAGE(passed[1], "before");  // stops at the mark
  CHECK_EQ(at_mark(passed[1]), 1);
  STEP("at the mark");
  CHECK_EQ(at_mark(passed[1]), 1);
  RECEIVE_MESSAGE(passed[1], "after");  // the byte is passed over
  RECEIVE_MESSAGE(inlined[1], "before");
  CHECK_EQ(at_mark(inlined[1]), 1);
  RECEIVE_MESSAGE(inlined[1], "!after");
  CONVERSE(taken[0], taken[1]);
  subject_done();
}
