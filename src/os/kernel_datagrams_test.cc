#include "os/kernel_datagrams.h"

#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <functional>
#include <numeric>
#include <thread>

#include "os/links.h"
#include "os/unique_fd.h"

namespace appshot {
namespace {

constexpr int kBytesAtOnce = 1500;

// A thread in a network namespace whose loopback takes little at once.
void on_narrow_loopback(const std::function<void(KernelView&)>& body) {
  Result<KernelView> kernel = KernelView::open(nullptr);
  if (!kernel) GTEST_SKIP() << kernel.error().message();
  std::thread([&] {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    NetlinkSocket routes = NetlinkSocket::open(NETLINK_ROUTE).value();
    ASSERT_TRUE(routes.change(links::set_link(static_cast<int>(::if_nametoindex("lo")), {})));
    UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_mtu = kBytesAtOnce;
    ASSERT_EQ(::ioctl(any.get(), SIOCSIFMTU, &request), 0);
    body(*kernel);
  }).join();
}

sockaddr_in6 at(const IpAddress& address, uint16_t port) {
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  name.sin6_port = htons(port);
  uint8_t* bytes = name.sin6_addr.s6_addr;
  if (address.is_v4()) bytes[10] = bytes[11] = 0xff;
  std::memcpy(bytes + 16 - address.bytes().size(), address.bytes().data(), address.bytes().size());
  return name;
}

const IpAddress kLoopback4 = IpAddress::v4(INADDR_LOOPBACK);
const IpAddress kLoopback6 = IpAddress::v6(in6addr_loopback);

TEST(KernelDatagrams, NothingIsBegunUntilMoreIsToCome) {
  on_narrow_loopback([](KernelView& kernel) {
    UniqueFd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    EXPECT_FALSE(begun_datagram(kernel, socket.get()).value());
    const sockaddr_in6 to = at(kLoopback6, 9);
    const auto* name = reinterpret_cast<const sockaddr*>(&to);
    ASSERT_EQ(::sendto(socket.get(), "x", 1, 0, name, sizeof to), 1);
    EXPECT_FALSE(begun_datagram(kernel, socket.get()).value());
  });
}

TEST(KernelDatagrams, TheBeginningIsWholeHoweverItLies) {
  on_narrow_loopback([](KernelView& kernel) {
    std::vector<uint8_t> bytes(9000);
    std::iota(bytes.begin(), bytes.end(), uint8_t{0});
    for (const IpAddress& address : {kLoopback4, kLoopback6})
      for (const size_t piece : {size_t{9000}, size_t{1111}, size_t{7}}) {
        UniqueFd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        const sockaddr_in6 to = at(address, 4711);
        const auto* name = reinterpret_cast<const sockaddr*>(&to);
        for (size_t sent = 0; sent < bytes.size();) {
          const size_t now = std::min(piece, bytes.size() - sent);
          ASSERT_EQ(::sendto(socket.get(), bytes.data() + sent, now, MSG_MORE, name, sizeof to),
                    static_cast<ssize_t>(now));
          sent += now;
        }
        Result<std::optional<BegunDatagram>> begun = begun_datagram(kernel, socket.get());
        ASSERT_TRUE(begun) << begun.error().message();
        ASSERT_TRUE(*begun);
        EXPECT_EQ((*begun)->bytes, bytes);
        EXPECT_EQ((*begun)->to, address);
        EXPECT_EQ((*begun)->port, 4711);
        EXPECT_FALSE((*begun)->has_options);
      }
  });
}

TEST(KernelDatagrams, WhatIsAskedForWithItIsToldToo) {
  on_narrow_loopback([](KernelView& kernel) {
    UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(9);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    char byte = 'x';
    iovec part{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{&to, sizeof to, &part, 1, control, sizeof control, 0};
    cmsghdr* hops = CMSG_FIRSTHDR(&message);
    hops->cmsg_level = IPPROTO_IP;
    hops->cmsg_type = IP_TTL;
    hops->cmsg_len = CMSG_LEN(sizeof(int));
    const int seven = 7;
    std::memcpy(CMSG_DATA(hops), &seven, sizeof seven);
    ASSERT_EQ(::sendmsg(socket.get(), &message, MSG_MORE), 1);
    EXPECT_EQ(begun_datagram(kernel, socket.get()).value()->hops, 7);
  });
}

TEST(KernelDatagrams, PacketsThatWaitAreSeenFromTheirHeadersOn) {
  on_narrow_loopback([](KernelView& kernel) {
    UniqueFd raw(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_TRUE(waiting_packets(kernel, raw.get()).value().empty());
    icmphdr ping{};
    ping.type = ICMP_ECHOREPLY;
    ping.un.echo.id = 5;
    ping.checksum = static_cast<uint16_t>(~5);
    for (int i = 0; i < 2; ++i)
      ASSERT_EQ(
          ::sendto(raw.get(), &ping, sizeof ping, 0, reinterpret_cast<sockaddr*>(&to), sizeof to),
          static_cast<ssize_t>(sizeof ping));
    const auto packets = waiting_packets(kernel, raw.get()).value();
    ASSERT_EQ(packets.size(), 2U);
    uint8_t got[100];
    ASSERT_EQ(::recv(raw.get(), got, sizeof got, 0),
              static_cast<ssize_t>(sizeof(iphdr) + sizeof ping));
    EXPECT_EQ(packets[0], std::vector<uint8_t>(got, got + sizeof(iphdr) + sizeof ping));
    EXPECT_EQ(waiting_packets(kernel, raw.get()).value().size(), 1U);
  });
}

TEST(KernelDatagrams, TheDeviceForMulticastsIsTold) {
  on_narrow_loopback([](KernelView& kernel) {
    UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(multicast_device(kernel, socket.get()).value(), 0U);
    ip_mreqn chosen{};
    chosen.imr_ifindex = static_cast<int>(::if_nametoindex("lo"));
    ASSERT_EQ(::setsockopt(socket.get(), IPPROTO_IP, IP_MULTICAST_IF, &chosen, sizeof chosen), 0);
    EXPECT_EQ(multicast_device(kernel, socket.get()).value(), ::if_nametoindex("lo"));
  });
}

}  // namespace
}  // namespace appshot
