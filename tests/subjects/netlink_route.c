// Netlink sockets that ask about links and watch them: names, groups and options stay, and they
// list the links after.
#include "subject_net.h"

#include <linux/rtnetlink.h>

static char buffer[32768];

static void check_lists_links(int fd) {
  struct {
    struct nlmsghdr header;
    struct ifinfomsg link;
  } request = {{sizeof request, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 77, 0}, {0}};
  CHECK_EQ(send(fd, &request, sizeof request, 0), sizeof request);
  int links = 0, loopbacks = 0, done = 0;
  while (!done) {
    int size = (int)CHECK_OK(recv(fd, buffer, sizeof buffer, 0));
    struct nlmsghdr* header = (struct nlmsghdr*)buffer;
    for (; NLMSG_OK(header, (unsigned)size); header = NLMSG_NEXT(header, size)) {
      CHECK_EQ(header->nlmsg_seq, 77);
      CHECK_EQ(header->nlmsg_pid, netlink_name_of(fd).nl_pid);
      done |= header->nlmsg_type == NLMSG_DONE;
      links += header->nlmsg_type == RTM_NEWLINK;
      if (header->nlmsg_type == RTM_NEWLINK)
        loopbacks += !!(((struct ifinfomsg*)NLMSG_DATA(header))->ifi_flags & IFF_LOOPBACK);
    }
  }
  CHECK(links >= 1);
  CHECK_EQ(loopbacks, 1);
}

int main(void) {
  const unsigned watched = RTMGRP_LINK | RTMGRP_IPV4_IFADDR;
  int fds[2] = {netlink_socket(NETLINK_ROUTE, watched), netlink_socket(NETLINK_ROUTE, 0)};
  struct sockaddr_nl names[2], now;
  unsigned groups[4] = {0};
  socklen_t size = sizeof groups;
  set_option(fds[0], SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, RTNLGRP_NSID);
  set_option(fds[0], SOL_NETLINK, NETLINK_PKTINFO, 1);
  set_option(fds[1], SOL_NETLINK, NETLINK_EXT_ACK, 1);
  set_option(fds[1], SOL_NETLINK, NETLINK_CAP_ACK, 1);
  for (int i = 0; i < 2; ++i) names[i] = netlink_name_of(fds[i]);
  CHECK(names[0].nl_pid != names[1].nl_pid);
  STEP("bound");
  for (int i = 0; i < 2; ++i) {
    now = netlink_name_of(fds[i]);
    CHECK_MEM(&now, &names[i], sizeof now);
    CHECK_EQ(get_option(fds[i], SOL_NETLINK, NETLINK_PKTINFO), i == 0);
    CHECK_EQ(get_option(fds[i], SOL_NETLINK, NETLINK_EXT_ACK), i == 1);
    CHECK_EQ(get_option(fds[i], SOL_NETLINK, NETLINK_CAP_ACK), i == 1);
    CHECK_NOTHING(fds[i]);
  }
  CHECK_OK(getsockopt(fds[0], SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &size));
  CHECK_EQ(groups[0], watched | 1u << (RTNLGRP_NSID - 1));
  for (int i = 0; i < 2; ++i) check_lists_links(fds[i]);
  CHECK_NOTHING(fds[0]);
  subject_done();
}
