// Messages with their senders' credentials: of a child that lives, of one that has exited since, of
// one with other ids, and told explicitly by root.
#include "subject_net.h"

static void send_as(int fd, const char* text, const struct ucred* as) {
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof *as)] = {0};
  struct iovec bytes = {(char*)text, strlen(text)};
  struct msghdr message = {NULL, 0, &bytes, 1, control, sizeof control, 0};
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  *header = (struct cmsghdr){CMSG_LEN(sizeof *as), SOL_SOCKET, SCM_CREDENTIALS};
  memcpy(CMSG_DATA(header), as, sizeof *as);
  CHECK_EQ(sendmsg(fd, &message, MSG_NOSIGNAL), bytes.iov_len);
}

static void expect(int fd, const char* text, pid_t pid, uid_t uid, gid_t gid) {
  _Alignas(struct cmsghdr) char control[256];
  char now[64] = {0};
  struct iovec bytes = {now, sizeof now};
  struct msghdr message = {NULL, 0, &bytes, 1, control, sizeof control, 0};
  struct ucred ucred;
  CHECK_EQ(recvmsg(fd, &message, 0), strlen(text));
  CHECK_STR(now, text);
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  CHECK(header && header->cmsg_type == SCM_CREDENTIALS);
  CHECK(!CMSG_NXTHDR(&message, header));
  memcpy(&ucred, CMSG_DATA(header), sizeof ucred);
  CHECK_EQ(ucred.pid, pid);
  CHECK_EQ(ucred.uid, uid);
  CHECK_EQ(ucred.gid, gid);
}

int main(void) {
  int stream[2], dgram[2];
  CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, stream));
  CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, dgram));
  set_option(stream[1], SOL_SOCKET, SO_PASSCRED, 1);
  set_option(dgram[1], SOL_SOCKET, SO_PASSCRED, 1);
  pid_t gone = (pid_t)CHECK_OK(fork());
  if (gone == 0) {
    send_text(stream[0], "from one who is gone");
    send_as(dgram[0], "told by one who is gone", &(struct ucred){getpid(), 2000, 2001});
    _exit(0);
  }
  reap_ok(gone);
  struct peer child = peer_fork();
  if (child.pid == 0) {
    CHECK_OK(setresgid(1001, 1001, 1001));
    CHECK_OK(setresuid(1000, 1000, 1000));
    send_text(stream[0], "from a child");
    send_as(dgram[0], "told by a child", &(struct ucred){getpid(), 1000, 1001});
    peer_tell(&child, 0);
    peer_hear(&child);
    send_text(stream[0], "later");
    _exit(0);
  }
  peer_hear(&child);
  send_text(stream[0], "from us");
  send_as(dgram[0], "told by us", &(struct ucred){child.pid, 3000, 3001});
  STEP("queued");
  expect(stream[1], "from one who is gone", gone, 0, 0);
  expect(stream[1], "from a child", child.pid, 1000, 1001);
  expect(stream[1], "from us", getpid(), 0, 0);
  expect(dgram[1], "told by one who is gone", gone, 2000, 2001);
  expect(dgram[1], "told by a child", child.pid, 1000, 1001);
  expect(dgram[1], "told by us", child.pid, 3000, 3001);
  peer_tell(&child, 0);
  expect(stream[1], "later", child.pid, 1000, 1001);
  peer_end(&child);
  subject_done();
}
