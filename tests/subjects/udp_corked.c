// Datagrams of which a part was given already (MSG_MORE, UDP_CORK) go out as one, once the rest is.
#include "subject_net.h"

#include <netinet/udp.h>

struct state {
  int receiver, more, addressed, corked;
  struct name at;
};

// Much at once, over IPv4 by a socket of IPv6, with few hops.
static void begin_large(int fd, struct name to) {
  static char bytes[20000];
  struct iovec part = {bytes, sizeof bytes};
  char control[CMSG_SPACE(sizeof(int))] = {0};
  struct msghdr message = {&to.any, to.size, &part, 1, control, sizeof control, 0};
  struct cmsghdr* hops = CMSG_FIRSTHDR(&message);
  *hops = (struct cmsghdr){CMSG_LEN(sizeof(int)), IPPROTO_IP, IP_TTL};
  memcpy(CMSG_DATA(hops), &(int){7}, sizeof(int));
  memset(bytes, 'l', sizeof bytes);
  CHECK_EQ(sendmsg(fd, &message, MSG_MORE), sizeof bytes);
  CHECK_EQ(send(fd, bytes, sizeof bytes, MSG_MORE), sizeof bytes);
}

static void end_large(int fd, int receiver) {
  static char bytes[50000];
  struct iovec part = {bytes, sizeof bytes};
  char control[CMSG_SPACE(sizeof(int))];
  struct msghdr message = {NULL, 0, &part, 1, control, sizeof control, 0};
  send_text(fd, "end");
  set_option(receiver, IPPROTO_IP, IP_RECVTTL, 1);
  CHECK_EQ(recvmsg(receiver, &message, 0), 40003);
  for (int i = 0; i < 40000; ++i) CHECK_EQ(bytes[i], 'l');
  CHECK_MEM(bytes + 40000, "end", 3);
  CHECK_EQ(*(int*)CMSG_DATA(CMSG_FIRSTHDR(&message)), 7);
}

static void set_up(struct state* s, int family) {
  s->receiver = bound_socket(SOCK_DGRAM, loopback_name(family, 0));
  s->at = name_of(s->receiver);
  s->more = connected_socket(SOCK_DGRAM, s->at);
  s->corked = connected_socket(SOCK_DGRAM, s->at);
  s->addressed = new_socket(family, SOCK_DGRAM);
  CHECK_EQ(send(s->more, "begun, ", 7, MSG_MORE), 7);
  CHECK_EQ(sendto(s->addressed, "addressed, ", 11, MSG_MORE, &s->at.any, s->at.size), 11);
  set_option(s->corked, IPPROTO_UDP, UDP_CORK, 1);
  send_text(s->corked, "corked, ");
  send_text(s->corked, "and more, ");
}

static void check(struct state* s, int family) {
  CHECK_EQ(get_option(s->corked, IPPROTO_UDP, UDP_CORK), 1);
  CHECK_EQ(get_option(s->more, IPPROTO_UDP, UDP_CORK), 0);
  CHECK_NOTHING(s->receiver);
  send_text(s->more, "ended");
  RECEIVE_FROM(s->receiver, "begun, ended", name_of(s->more));
  send_text(s->addressed, "ended");  // its address was given with the first part
  RECEIVE_FROM(s->receiver, "addressed, ended", loopback_name(family, port_of(s->addressed)));
  send_text(s->corked, "last");
  CHECK_NOTHING(s->receiver);
  set_option(s->corked, IPPROTO_UDP, UDP_CORK, 0);
  RECEIVE_FROM(s->receiver, "corked, and more, last", name_of(s->corked));
  CHECK_NOTHING(s->receiver);
  send_text(s->corked, "by itself");
  RECEIVE_FROM(s->receiver, "by itself", name_of(s->corked));
}

int main(void) {
  struct state states[2];
  for (int i = 0; i < 2; ++i) set_up(&states[i], family_of(i));
  struct name mapped = states[0].at;
  mapped.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
                                     .sin6_port = htons((uint16_t)port_of(states[0].receiver))};
  CHECK_EQ(inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.in6.sin6_addr), 1);
  mapped.size = sizeof mapped.in6;
  int large = new_socket(AF_INET6, SOCK_DGRAM);
  begin_large(large, mapped);
  STEP("half given");
  for (int i = 0; i < 2; ++i) check(&states[i], family_of(i));
  end_large(large, states[0].receiver);
  subject_done();
}
