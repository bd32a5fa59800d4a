// Raw ICMP sockets in which nothing waits, as whoever pings keeps open: their filter, and that they
// still send and hear.
#include "subject_net.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

int main(void) {
  int fds[2];
  for (int i = 0; i < 2; ++i) {
    fds[i] = (int)CHECK_OK(socket(family_of(i), SOCK_RAW, i ? IPPROTO_ICMPV6 : IPPROTO_ICMP));
    struct icmp6_filter none;
    ICMP6_FILTER_SETBLOCKALL(&none);
    if (i == 1) CHECK_OK(setsockopt(fds[i], IPPROTO_ICMPV6, ICMP6_FILTER, &none, sizeof none));
  }
  STEP("idle");
  struct icmp6_filter filter;
  socklen_t size = sizeof filter;
  CHECK_OK(getsockopt(fds[1], IPPROTO_ICMPV6, ICMP6_FILTER, &filter, &size));
  CHECK(ICMP6_FILTER_WILLBLOCK(ICMP6_ECHO_REPLY, &filter));
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
  CHECK_OK(setsockopt(fds[1], IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter));
  for (int i = 0; i < 2; ++i) {
    const struct name to = loopback_name(family_of(i), 0);
    uint8_t packet[100] = {i ? ICMP6_ECHO_REQUEST : ICMP_ECHO};
    uint16_t sum = (uint16_t)~htons(ICMP_ECHO << 8);
    if (i == 0) memcpy(packet + 2, &sum, sizeof sum);
    CHECK_EQ(sendto(fds[i], packet, 8, 0, &to.any, to.size), 8);
    const size_t header = i ? 0 : 20;  // IPv4's comes with it
    do {
      CHECK_EQ(recv(fds[i], packet, sizeof packet, 0), header + 8);
    } while (packet[header] != (i ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY));
  }
  subject_done();
}
