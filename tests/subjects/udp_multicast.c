// Multicast groups that a UDP socket has joined, one from a single source only: it goes on to get
// what is sent to them, and can leave them. (No IPv6 multicast is ever routed through loopback.)
#include "subject_net.h"

static struct name group_name(int i, int number, int port) {
  struct name name = loopback_name(family_of(i), port);
  char text[40];
  snprintf(text, sizeof text, i ? "ff11::%d" : "239.1.2.%d", number);
  CHECK_EQ(inet_pton(family_of(i), text, i ? (void*)&name.in6.sin6_addr : &name.in.sin_addr), 1);
  return name;
}

static int change(int fd, int i, int option, int number, const struct name* source) {
  struct group_source_req request = {.gsr_interface = if_nametoindex("lo")};
  struct group_req plain = {.gr_interface = request.gsr_interface};
  struct name name = group_name(i, number, 0);
  memcpy(&request.gsr_group, &name.any, name.size);
  memcpy(&plain.gr_group, &name.any, name.size);
  if (source) memcpy(&request.gsr_source, &source->any, source->size);
  return source ? setsockopt(fd, i ? IPPROTO_IPV6 : IPPROTO_IP, option, &request, sizeof request)
                : setsockopt(fd, i ? IPPROTO_IPV6 : IPPROTO_IP, option, &plain, sizeof plain);
}

static void send_to_groups(int sender, int receiver) {
  for (int number = 1; number <= 4; ++number) {  // 3: only from elsewhere; 4: not joined
    char text[16];
    snprintf(text, sizeof text, "to %d", number);
    send_to(sender, text, group_name(0, number, port_of(receiver)));
  }
}

int main(void) {
  struct name elsewhere[2], source[2];
  int receivers[2], senders[2], lo = (int)if_nametoindex("lo");
  struct ip_mreqn interface = {.imr_ifindex = lo};
  for (int i = 0; i < 2; ++i) {
    struct name any = loopback_name(family_of(i), 0);
    elsewhere[i] = any;
    if (i == 0) any.in.sin_addr.s_addr = htonl(INADDR_ANY);
    if (i == 1) any.in6.sin6_addr = (struct in6_addr)IN6ADDR_ANY_INIT;
    if (i == 0) elsewhere[i].in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    if (i == 1) elsewhere[i].in6.sin6_addr.s6_addr[0] = 0xfd;
    receivers[i] = bound_socket(SOCK_DGRAM, any);
    senders[i] = bound_socket(SOCK_DGRAM, loopback_name(family_of(i), 0));
    set_option(receivers[i], i ? IPPROTO_IPV6 : IPPROTO_IP,
               i ? IPV6_MULTICAST_ALL : IP_MULTICAST_ALL, 0);
    source[i] = name_of(senders[i]);
    source[i].in.sin_port = 0;
    CHECK_OK(change(receivers[i], i, MCAST_JOIN_GROUP, 1, NULL));
    CHECK_OK(change(receivers[i], i, MCAST_JOIN_SOURCE_GROUP, 2, &source[i]));
    CHECK_OK(change(receivers[i], i, MCAST_JOIN_SOURCE_GROUP, 3, &elsewhere[i]));
    if (i == 0)
      CHECK_OK(setsockopt(senders[i], IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof interface));
    else
      set_option(senders[i], IPPROTO_IPV6, IPV6_MULTICAST_IF, lo);
    if (i == 0) send_to(senders[i], "queued", group_name(i, 1, port_of(receivers[i])));
  }
  STEP("joined");
  CHECK_EQ(get_option(senders[0], IPPROTO_IP, IP_MULTICAST_IF), 0);
  CHECK_EQ(get_option(senders[1], IPPROTO_IPV6, IPV6_MULTICAST_IF), lo);
  RECEIVE_FROM(receivers[0], "queued", name_of(senders[0]));
  send_to_groups(senders[0], receivers[0]);
  RECEIVE_MESSAGE(receivers[0], "to 1");
  RECEIVE_MESSAGE(receivers[0], "to 2");
  for (int i = 0; i < 2; ++i) {
    CHECK_OK(change(receivers[i], i, MCAST_LEAVE_GROUP, 1, NULL));
    CHECK_ERRNO(change(receivers[i], i, MCAST_LEAVE_GROUP, 1, NULL), EADDRNOTAVAIL);
    CHECK_OK(change(receivers[i], i, MCAST_LEAVE_SOURCE_GROUP, 3, &elsewhere[i]));
    CHECK_ERRNO(change(receivers[i], i, MCAST_LEAVE_GROUP, 4, NULL), EADDRNOTAVAIL);
  }
  send_to_groups(senders[0], receivers[0]);
  RECEIVE_MESSAGE(receivers[0], "to 2");
  CHECK_NOTHING(receivers[0]);
  CHECK_OK(change(receivers[1], 1, MCAST_LEAVE_SOURCE_GROUP, 2, &source[1]));
  subject_done();
}
