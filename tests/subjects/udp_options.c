// The options of UDP sockets: what is told with a datagram, also with those queued; broadcasts,
// multicasts and the groups joined; errors that are queued.
#include "subject_net.h"

#include <netinet/udp.h>

#define IP4(name, value) \
  { IPPROTO_IP, name, value }
#define IP6(name, value) \
  { IPPROTO_IPV6, name, value }
struct option {
  int level, option, value;
};
static const struct option kCommon[] = {
    {SOL_SOCKET, SO_BROADCAST, 1}, {SOL_SOCKET, SO_NO_CHECK, 1},     {SOL_SOCKET, SO_RXQ_OVFL, 1},
    {SOL_SOCKET, SO_PRIORITY, 4},  {IPPROTO_UDP, UDP_SEGMENT, 1200}, {IPPROTO_UDP, UDP_GRO, 1}};
static const struct option kFamily[2][10] = {
    {IP4(IP_MULTICAST_TTL, 7), IP4(IP_MULTICAST_LOOP, 0), IP4(IP_MULTICAST_ALL, 0),
     IP4(IP_PKTINFO, 1), IP4(IP_RECVTTL, 1), IP4(IP_RECVTOS, 1), IP4(IP_RECVERR, 1),
     IP4(IP_FREEBIND, 1), IP4(IP_TTL, 44), IP4(IP_RECVOPTS, 1)},
    {IP6(IPV6_MULTICAST_HOPS, 7), IP6(IPV6_MULTICAST_LOOP, 0), IP6(IPV6_MULTICAST_ALL, 0),
     IP6(IPV6_RECVPKTINFO, 1), IP6(IPV6_RECVHOPLIMIT, 1), IP6(IPV6_RECVTCLASS, 1),
     IP6(IPV6_RECVERR, 1), IP6(IPV6_V6ONLY, 1), IP6(IPV6_UNICAST_HOPS, 44),
     IP6(IPV6_AUTOFLOWLABEL, 0)}};

struct state {
  int fd, receiver, sender;
  struct name name;
};

static void each(int fd, const struct option* options, int count, bool set) {
  for (int i = 0; i < count; ++i) {
    if (set) set_option(fd, options[i].level, options[i].option, options[i].value);
    int now = get_option(fd, options[i].level, options[i].option);
    if (now != options[i].value)
      FAIL("option %d:%d is %d, not %d", options[i].level, options[i].option, now,
           options[i].value);
  }
}

static void set_up(struct state* s, int i) {
  s->fd = new_socket(family_of(i), SOCK_DGRAM);
  s->receiver = bound_socket(SOCK_DGRAM, loopback_name(family_of(i), 0));
  s->sender = new_socket(family_of(i), SOCK_DGRAM);
  each(s->fd, kCommon, 6, true);
  each(s->fd, kFamily[i], 10, true);
  each(s->receiver, &kFamily[i][3], 2, true);
  each(s->sender, &kFamily[i][8], 1, true);
  s->name = name_of(s->receiver);
  send_to(s->sender, "queued", s->name);
  wait_until(poll_now(s->receiver, POLLIN) == POLLIN);
}

// One datagram, with the interface it came in by and what was left of its time to live.
static void receive(int fd, const char* text, int i) {
  _Alignas(struct cmsghdr) char control[256];
  char bytes[64] = {0};
  struct iovec vector = {bytes, sizeof bytes};
  struct msghdr message = {NULL, 0, &vector, 1, control, sizeof control, 0};
  int interface = 0, left = 0;
  CHECK_EQ(recvmsg(fd, &message, 0), strlen(text));
  CHECK_STR(bytes, text);
  for (struct cmsghdr* h = CMSG_FIRSTHDR(&message); h; h = CMSG_NXTHDR(&message, h)) {
    if (h->cmsg_type == (i ? IPV6_HOPLIMIT : IP_TTL)) memcpy(&left, CMSG_DATA(h), sizeof left);
    if (i == 0 && h->cmsg_type == IP_PKTINFO)
      interface = ((struct in_pktinfo*)CMSG_DATA(h))->ipi_ifindex;
    if (i == 1 && h->cmsg_type == IPV6_PKTINFO)
      interface = (int)((struct in6_pktinfo*)CMSG_DATA(h))->ipi6_ifindex;
  }
  CHECK_EQ(interface, if_nametoindex("lo"));
  CHECK_EQ(left, 44);
}

int main(void) {
  struct state states[2];
  for (int i = 0; i < 2; ++i) set_up(&states[i], i);
  STEP("options");
  for (int i = 0; i < 2; ++i) {
    each(states[i].fd, kCommon, 6, false);
    each(states[i].fd, kFamily[i], 10, false);
    receive(states[i].receiver, "queued", i);
    send_to(states[i].sender, "later", states[i].name);
    receive(states[i].receiver, "later", i);
  }
  subject_done();
}
