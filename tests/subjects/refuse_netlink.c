// Holds a netlink socket that watches the network's links.
#include "subject.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

int main(void) {
  int fd = (int)CHECK_OK(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK}, now;
  socklen_t size = sizeof now;
  CHECK_OK(bind(fd, (struct sockaddr*)&address, sizeof address));
  subject_expect(fd, "netlink|socket");
  subject_hold();
  CHECK_OK(getsockname(fd, (struct sockaddr*)&now, &size));
  CHECK_EQ(now.nl_groups, RTMGRP_LINK);
  subject_done();
}
