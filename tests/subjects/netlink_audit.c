// A socket to the audit system, as everything has that logs people in.
#include <linux/audit.h>
#include <linux/netlink.h>

#include "subject_net.h"

// What the audit system answers, if it is there for us.
static int asked(int fd) {
  struct nlmsghdr request = {.nlmsg_len = sizeof request,
                             .nlmsg_type = AUDIT_GET,
                             .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
                             .nlmsg_seq = 7};
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  if (sendto(fd, &request, sizeof request, 0, (struct sockaddr*)&kernel, sizeof kernel) < 0)
    return -errno;
  // The acknowledgement and the answer come from different threads of the kernel.
  for (int result = 1, is_answered = 0; result > 0 || (result == 0 && !is_answered);) {
    char answer[1024] __attribute__((aligned(8)));
    CHECK_OK(recv(fd, answer, sizeof answer, 0));
    const struct nlmsghdr* head = (const struct nlmsghdr*)answer;
    CHECK_EQ(head->nlmsg_seq, 7);
    if (head->nlmsg_type != NLMSG_ERROR) {
      is_answered = 1;
    } else {
      result = ((const struct nlmsgerr*)NLMSG_DATA(head))->error;
      if (result != 0) return result;
    }
  }
  return 0;
}

int main(void) {
  int fd = (int)CHECK_OK(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT));
  const int before = asked(fd);
  STEP("idle");
  CHECK_EQ(asked(fd), before);
  CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  subject_done();
}
