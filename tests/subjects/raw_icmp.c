// Raw ICMP sockets: what they let through, the answers that wait in them, and the next ones.
#include "subject_net.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#ifndef ICMP_FILTER
#define ICMP_FILTER 1  // of level SOL_RAW; in linux/icmp.h, which cannot be had with the above
#endif

static int open_raw(int i) {
  int fd = (int)CHECK_OK(socket(family_of(i), SOCK_RAW, i ? IPPROTO_ICMPV6 : IPPROTO_ICMP));
  uint32_t dropped = ~(1u << ICMP_ECHOREPLY);
  struct icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
  if (i == 0) CHECK_OK(setsockopt(fd, SOL_RAW, ICMP_FILTER, &dropped, sizeof dropped));
  if (i == 1) CHECK_OK(setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter));
  return fd;
}

static void check_filter(int fd, int i) {
  uint32_t dropped = 0;
  struct icmp6_filter filter;
  socklen_t size = i ? sizeof filter : sizeof dropped;
  if (i == 0) {
    CHECK_OK(getsockopt(fd, SOL_RAW, ICMP_FILTER, &dropped, &size));
    CHECK_EQ(dropped, ~(1u << ICMP_ECHOREPLY));
    return;
  }
  CHECK_OK(getsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, &size));
  CHECK(ICMP6_FILTER_WILLPASS(ICMP6_ECHO_REPLY, &filter));
  CHECK(ICMP6_FILTER_WILLBLOCK(ICMP6_ECHO_REQUEST, &filter));
}

static void ping(int fd, int i, uint16_t sequence) {
  const struct name to = loopback_name(family_of(i), 0);
  uint16_t packet[4] = {htons((uint16_t)((i ? ICMP6_ECHO_REQUEST : ICMP_ECHO) << 8)), 0,
                        htons((uint16_t)getpid()), htons(sequence)};
  uint32_t sum = (uint32_t)packet[0] + packet[2] + packet[3];
  packet[1] = (uint16_t) ~((sum + (sum >> 16)) & 0xffff);  // the kernel does it for IPv6
  CHECK_EQ(sendto(fd, packet, sizeof packet, 0, &to.any, to.size), sizeof packet);
}

static void expect_answer(int fd, int i, uint16_t sequence) {
  uint8_t packet[100];
  const size_t header = i ? 0 : 20;  // IPv4's comes with it
  struct name from = {.size = sizeof from.un};
  CHECK_EQ(recvfrom(fd, packet, sizeof packet, 0, &from.any, &from.size), header + 8);
  CHECK_EQ(packet[header], i ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY);
  CHECK_EQ(packet[header + 4] << 8 | packet[header + 5], getpid() & 0xffff);
  CHECK_EQ(packet[header + 6] << 8 | packet[header + 7], sequence);
  CHECK_NAME(from, loopback_name(family_of(i), 0));
}

int main(void) {
  int fds[2], fresh[2];
  for (int i = 0; i < 2; ++i) {
    fds[i] = open_raw(i);
    ping(fds[i], i, 1);
    ping(fds[i], i, 2);
    wait_until(poll_now(fds[i], POLLIN) == POLLIN);
    fresh[i] = open_raw(i);
  }
  STEP("answers queued");
  for (int i = 0; i < 2; ++i) {
    CHECK_EQ(get_option(fds[i], SOL_SOCKET, SO_PROTOCOL), i ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
    check_filter(fds[i], i);
    check_filter(fresh[i], i);
    CHECK_NOTHING(fresh[i]);
    expect_answer(fds[i], i, 1);
    expect_answer(fds[i], i, 2);
    CHECK_NOTHING(fds[i]);
    ping(fresh[i], i, 3);
    expect_answer(fds[i], i, 3);  // every raw socket gets a copy
    expect_answer(fresh[i], i, 3);
  }
  subject_done();
}
