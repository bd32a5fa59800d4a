// What a netlink socket was told of a change and has not read yet waits in it; it is told of the
// next change, too.
#include "subject_net.h"

#include <linux/rtnetlink.h>

// Adds an address to loopback's, or takes it away again.
static void change_address(int fd, int type, int flags) {
  struct {
    struct nlmsghdr header;
    struct ifaddrmsg address;
    struct rtattr attribute;
    struct in_addr local;
  } request = {{sizeof request, (uint16_t)type, (uint16_t)(NLM_F_REQUEST | flags), 1, 0},
               {AF_INET, 32, 0, RT_SCOPE_HOST, if_nametoindex("lo")},
               {sizeof(struct rtattr) + 4, IFA_LOCAL},
               {htonl(0x7f4d0001)}};
  CHECK_EQ(send(fd, &request, sizeof request, 0), sizeof request);
}

static void expect_address(int fd, int type) {
  struct {
    struct nlmsghdr header;
    struct ifaddrmsg address;
    char rest[1024];
  } told;
  struct sockaddr_nl from;
  socklen_t size = sizeof from;
  CHECK_OK(recvfrom(fd, &told, sizeof told, 0, (struct sockaddr*)&from, &size));
  CHECK_EQ(from.nl_pid, 0);
  CHECK_EQ(from.nl_groups, RTMGRP_IPV4_IFADDR);
  CHECK_EQ(told.header.nlmsg_type, type);
  CHECK_EQ(told.address.ifa_prefixlen, 32);
}

int main(void) {
  int watching = netlink_socket(NETLINK_ROUTE, RTMGRP_IPV4_IFADDR);
  int changing = netlink_socket(NETLINK_ROUTE, 0);
  change_address(changing, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  wait_until(poll_now(watching, POLLIN) == POLLIN);
  STEP("told of an address");
  expect_address(watching, RTM_NEWADDR);
  CHECK_NOTHING(watching);
  change_address(changing, RTM_DELADDR, 0);
  expect_address(watching, RTM_DELADDR);
  CHECK_NOTHING(watching);
  subject_done();
}
