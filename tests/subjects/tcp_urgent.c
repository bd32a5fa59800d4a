// A byte sent out of band over TCP waits beside the others, or among them where that is asked for,
// at its place.
#include "subject_net.h"

enum { kTaken, kPassed, kInline, kTakenBefore, kAtMark, kCount };

static int at_mark(int fd) {
  int mark = -1;
  CHECK_OK(ioctl(fd, SIOCATMARK, &mark));
  return mark;
}

static void set_up(int fds[kCount][2], int family) {
  for (int i = 0; i < kCount; ++i) {
    tcp_pair(family, fds[i]);
    if (i == kInline) set_option(fds[i][1], SOL_SOCKET, SO_OOBINLINE, 1);
    send_text(fds[i][0], "before");
    CHECK_EQ(send(fds[i][0], "!", 1, MSG_OOB), 1);
    send_text(fds[i][0], "after");
    char all[12];
    if (i == kInline) CHECK_EQ(recv(fds[i][1], all, 6, MSG_PEEK | MSG_WAITALL), 6);
    wait_until(tcp_info_of(fds[i][0]).tcpi_unacked == 0);
    if (i == kTakenBefore) CHECK_EQ(recv(fds[i][1], all, 1, MSG_OOB), 1);
    if (i == kAtMark) RECEIVE_MESSAGE(fds[i][1], "before");
  }
}

static void check(int fds[kCount][2]) {
  char byte = 0;
  int fd = fds[kTaken][1];
  CHECK_EQ(poll_now(fd, POLLIN | POLLPRI), POLLIN | POLLPRI);
  CHECK_EQ(recv(fd, &byte, 1, MSG_OOB), 1);
  CHECK_EQ(byte, '!');
  CHECK_ERRNO(recv(fd, &byte, 1, MSG_OOB), EINVAL);
  CHECK_EQ(at_mark(fd), 0);
  RECEIVE_MESSAGE(fd, "before");  // stops at the mark
  CHECK_EQ(at_mark(fd), 1);
  RECEIVE_MESSAGE(fd, "after");
  CHECK_EQ(poll_now(fd, POLLIN | POLLPRI), 0);
  fd = fds[kPassed][1];
  RECEIVE_MESSAGE(fd, "before");
  CHECK_EQ(at_mark(fd), 1);
  RECEIVE_MESSAGE(fd, "after");  // the byte is passed over
  fd = fds[kInline][1];
  CHECK_ERRNO(recv(fd, &byte, 1, MSG_OOB), EINVAL);
  RECEIVE_MESSAGE(fd, "before");
  CHECK_EQ(at_mark(fd), 1);
  RECEIVE_MESSAGE(fd, "!after");
  fd = fds[kTakenBefore][1];
  CHECK_EQ(poll_now(fd, POLLPRI), 0);
  CHECK_ERRNO(recv(fd, &byte, 1, MSG_OOB), EINVAL);
  RECEIVE_MESSAGE(fd, "before");
  CHECK_EQ(at_mark(fd), 1);
  RECEIVE_MESSAGE(fd, "after");
  fd = fds[kAtMark][1];
  CHECK_EQ(at_mark(fd), 1);
  CHECK_EQ(recv(fd, &byte, 1, MSG_OOB), 1);
  CHECK_EQ(byte, '!');
  RECEIVE_MESSAGE(fd, "after");
  for (int i = 0; i < kCount; ++i) CONVERSE(fds[i][0], fds[i][1]);
  CHECK_EQ(send(fds[kTaken][0], "?", 1, MSG_OOB), 1);
  wait_until(poll_now(fds[kTaken][1], POLLPRI) == POLLPRI);
  CHECK_EQ(recv(fds[kTaken][1], &byte, 1, MSG_OOB), 1);
  CHECK_EQ(byte, '?');
}

int main(void) {
  int fds[2][kCount][2];
  for (int i = 0; i < 2; ++i) set_up(fds[i], family_of(i));
  STEP("urgent");
  for (int i = 0; i < 2; ++i) check(fds[i]);
  subject_done();
}
