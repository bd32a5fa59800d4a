// An error told about a datagram (IP_RECVERR) waits in its socket's queue of errors, with the
// datagram it is about.
#include "subject_net.h"

#include <linux/errqueue.h>

struct state {
  int fd;
  struct name nobody;
};

static void set_up(struct state* s, int i) {
  int gone = bound_socket(SOCK_DGRAM, loopback_name(family_of(i), 0));
  s->nobody = name_of(gone);
  CHECK_OK(close(gone));
  s->fd = bound_socket(SOCK_DGRAM, loopback_name(family_of(i), 0));
  set_option(s->fd, i ? IPPROTO_IPV6 : IPPROTO_IP, i ? IPV6_RECVERR : IP_RECVERR, 1);
  send_to(s->fd, "to nobody", s->nobody);
  wait_until(poll_now(s->fd, 0) == POLLERR);
}

static void check(const struct state* s, int i) {
  _Alignas(struct cmsghdr) char control[256];
  char bytes[64] = {0};
  struct iovec vector = {bytes, sizeof bytes};
  struct name to;
  struct msghdr message = {&to.any, sizeof to.un, &vector, 1, control, sizeof control, 0};
  struct sock_extended_err error;
  CHECK_EQ(poll_now(s->fd, 0), POLLERR);
  CHECK_EQ(recvmsg(s->fd, &message, MSG_ERRQUEUE), 9);
  CHECK_STR(bytes, "to nobody");
  CHECK(message.msg_flags & MSG_ERRQUEUE);
  CHECK_EQ(message.msg_namelen, s->nobody.size);
  CHECK_MEM(&to, &s->nobody, s->nobody.size);
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  CHECK(header && header->cmsg_type == (i ? IPV6_RECVERR : IP_RECVERR));
  memcpy(&error, CMSG_DATA(header), sizeof error);
  CHECK_EQ(error.ee_errno, ECONNREFUSED);
  CHECK_EQ(error.ee_origin, i ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP);
  CHECK_ERRNO(recvmsg(s->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT), EAGAIN);
  CHECK_EQ(poll_now(s->fd, 0), 0);
  send_to(s->fd, "to myself", name_of(s->fd));
  RECEIVE_FROM(s->fd, "to myself", name_of(s->fd));
}

int main(void) {
  struct state states[2];
  for (int i = 0; i < 2; ++i) set_up(&states[i], i);
  STEP("error queued");
  for (int i = 0; i < 2; ++i) check(&states[i], i);
  subject_done();
}
