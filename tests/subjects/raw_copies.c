// A raw socket gets a copy of what comes to others: of a datagram for a UDP socket, of a question
// that the kernel answers. What waits in it does not come to those a second time.
#include "subject_net.h"

#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>

static void ping(int fd) {
  const struct name to = loopback_name(AF_INET, 0);
  struct icmphdr packet = {.type = ICMP_ECHO, .un.echo.id = htons(7)};
  packet.checksum = (uint16_t) ~(packet.type + packet.un.echo.id);
  CHECK_EQ(sendto(fd, &packet, sizeof packet, 0, &to.any, to.size), sizeof packet);
}

static void expect_icmp(int fd, int type) {
  uint8_t packet[100];
  CHECK_EQ(recv(fd, packet, sizeof packet, 0), sizeof(struct iphdr) + sizeof(struct icmphdr));
  CHECK_EQ(packet[sizeof(struct iphdr)], type);
}

static void expect_udp(int fd, const char* text, int port) {
  uint8_t packet[100];
  const size_t headers = sizeof(struct iphdr) + sizeof(struct udphdr);
  CHECK_EQ(recv(fd, packet, sizeof packet, 0), headers + strlen(text));
  CHECK_MEM(packet + headers, text, strlen(text));
  CHECK_EQ(packet[sizeof(struct iphdr) + 2] << 8 | packet[sizeof(struct iphdr) + 3], port);
}

int main(void) {
  int icmp = (int)CHECK_OK(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  int udp = (int)CHECK_OK(socket(AF_INET, SOCK_RAW, IPPROTO_UDP));
  int later = (int)CHECK_OK(socket(AF_INET, SOCK_RAW, IPPROTO_UDP));
  int receiver = bound_socket(SOCK_DGRAM, loopback_name(AF_INET, 0));
  int closed = bound_socket(SOCK_DGRAM, loopback_name(AF_INET, 0)), nobody = port_of(closed);
  CHECK_OK(close(closed));
  struct name unreached = loopback_name(AF_INET, nobody);
  int sender = new_socket(AF_INET, SOCK_DGRAM);
  send_to(sender, "first", name_of(receiver));
  RECEIVE_MESSAGE(receiver, "first");
  expect_udp(later, "first", port_of(receiver));
  send_to(sender, "second", name_of(receiver));
  send_to(sender, "to nobody", unreached);
  ping(icmp);
  wait_until(poll_now(icmp, POLLIN) == POLLIN);
  STEP("copies wait");
  expect_udp(udp, "first", port_of(receiver));
  const int both[] = {udp, later};
  for (int i = 0; i < 2; ++i) {
    expect_udp(both[i], "second", port_of(receiver));
    expect_udp(both[i], "to nobody", nobody);
    CHECK_NOTHING(both[i]);
  }
  RECEIVE_MESSAGE(receiver, "second");
  CHECK_NOTHING(receiver);
  uint8_t told[100];
  CHECK_EQ(recv(icmp, told, sizeof told, 0) > 20 && told[20] == ICMP_DEST_UNREACH, 1);
  expect_icmp(icmp, ICMP_ECHO);
  expect_icmp(icmp, ICMP_ECHOREPLY);
  CHECK_NOTHING(icmp);
  ping(icmp);
  expect_icmp(icmp, ICMP_ECHO);
  expect_icmp(icmp, ICMP_ECHOREPLY);
  subject_done();
}
