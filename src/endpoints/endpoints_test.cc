#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>

#include <thread>

#include "endpoints/cable.h"
#include "endpoints/node_network.h"
#include "os/file.h"

namespace appshot {
namespace {

// A thread in a network namespace of its own, which goes with it.
void in_new_namespace(const std::function<void()>& body) {
  std::thread([&] {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    body();
  }).join();
}

IpNetwork network(const char* text) { return IpNetwork::parse(text).value(); }

TEST(PublishedPort, IsReadAsItIsShown) {
  for (const char* text : {"8080:80", "53:53/udp", "127.0.0.1:8080:80", "[::1]:8080:80", "0:80"})
    EXPECT_EQ(PublishedPort::parse(text).value().text(), text);
  EXPECT_EQ(PublishedPort::parse("0.0.0.0:8080:80/tcp").value().text(), "8080:80");
  for (const char* text : {"", "80", "80:", ":80", "80:0", "80:65536", "80:80/sctp", "x:80:80",
                           "80:80:80", "1.2.3:80:80", "8 0:80"})
    EXPECT_FALSE(PublishedPort::parse(text)) << text;
}

TEST(AddressRange, PartsAreInTheWhole) {
  const IpNetwork whole = network("198.18.0.0/15");
  EXPECT_EQ(parts_of(whole), 32U);
  for (uint32_t attempt = 0; attempt < parts_of(whole); ++attempt)
    EXPECT_TRUE(whole.overlaps(part_of(whole, 0xfffffff0U, attempt)));
  EXPECT_EQ(parts_of(network("10.9.8.0/24")), 1U);
  EXPECT_EQ(v6_of(IpAddress::v4(0xc6120005)).text(), "fd61:7073:686f::c612:5");
}

TEST(NodeNetwork, TwoOfOneMachineShareNoAddress) {
  in_new_namespace([] {
    const IpNetwork whole = network("198.18.0.0/15");
    auto first = NodeNetwork::set_up({whole, {}, "/a"});
    ASSERT_TRUE(first) << first.error().message();
    auto second = NodeNetwork::set_up({whole, {}, "/a" + std::string(1, 'b')});
    ASSERT_TRUE(second) << second.error().message();
    EXPECT_FALSE((*first)->range().part.overlaps((*second)->range().part));
  });
}

TEST(NodeNetwork, IsFoundAgainAndLeavesNothing) {
  in_new_namespace([] {
    const IpNetwork whole = network("198.18.0.0/15");
    auto first = NodeNetwork::set_up({whole, {}, "/a"});
    ASSERT_TRUE(first) << first.error().message();
    const IpNetwork part = (*first)->range().part;
    const IpAddress address = (*first)->range().address(7);
    const Publication web{{PublishedPort::parse("8080:80").value()},
                          (*first)->addresses_of(address)};
    Result<> published = (*first)->publish(web);
    EXPECT_TRUE(published) << published.error().message();
    EXPECT_EQ((*first)->publish(web).error().err(), EEXIST);
    EXPECT_TRUE((*first)->park(address));
    EXPECT_TRUE((*first)->park(address));
    auto again = NodeNetwork::set_up({whole, part, "/a"});
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ((*again)->range().part, part);
    EXPECT_TRUE((*again)->publish(web));
    EXPECT_TRUE((*again)->withdraw(web));
    EXPECT_TRUE((*again)->withdraw(web));
    EXPECT_TRUE((*again)->unpark(address));
    Result<> down = (*again)->take_down();
    EXPECT_TRUE(down) << down.error().message();
    NetlinkSocket routes = NetlinkSocket::open(NETLINK_ROUTE).value();
    EXPECT_TRUE(links::list_routes(routes, AF_INET).value().empty());
    const std::vector<links::SeenRoute> seen = links::list_routes(routes, AF_INET6).value();
    for (const links::SeenRoute& route : seen) EXPECT_FALSE(route.ours) << route.to.text();
    EXPECT_EQ(links::list(routes).value().size(), 1U);
  });
}

TEST(NodeNetwork, SmallRangesAreTakenWhole) {
  in_new_namespace([] {
    auto first = NodeNetwork::set_up({network("10.9.8.0/24"), {}, "/a"});
    ASSERT_TRUE(first) << first.error().message();
    EXPECT_EQ((*first)->range().part.text(), "10.9.8.0/24");
    auto second = NodeNetwork::set_up({network("10.9.8.0/24"), {}, "/b"});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().cls(), ErrorClass::exhausted);
  });
}

TEST(Cable, CarriesBetweenNodeAndInstance) {
  in_new_namespace([] {
    auto node = NodeNetwork::set_up({network("198.18.0.0/15"), {}, "/a"});
    ASSERT_TRUE(node) << node.error().message();
    const EndpointAddresses addresses = (*node)->addresses_of((*node)->range().address(0));
    ASSERT_TRUE((*node)->park(addresses.v4));
    UniqueFd host = open_file("/proc/thread-self/ns/net", O_RDONLY).value();
    NetlinkSocket outside = NetlinkSocket::open(NETLINK_ROUTE).value();
    UniqueFd server;
    std::optional<Cable> cable;
    std::thread([&] {
      ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
      auto laid = Cable::lay(std::move(outside), host.get());
      ASSERT_TRUE(laid) << laid.error().message();
      Result<> given = laid->give(addresses);
      ASSERT_TRUE(given) << given.error().message();
      server.reset(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in6 any{};
      any.sin6_family = AF_INET6;
      any.sin6_port = htons(80);
      ASSERT_EQ(::bind(server.get(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
      ASSERT_EQ(::listen(server.get(), 4), 0);
      Result<> plugged = laid->plug(addresses);
      ASSERT_TRUE(plugged) << plugged.error().message();
      cable.emplace(std::move(*laid));
    }).join();
    ASSERT_TRUE(cable);
    auto connects = [&] {
      UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const timeval patience{0, 200'000};
      ::setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(80);
      to.sin_addr.s_addr = htonl(addresses.v4.number());
      return ::connect(client.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 ? 0 : errno;
    };
    EXPECT_EQ(connects(), 0);
    ASSERT_TRUE(cable->mute());
    EXPECT_EQ(connects(), EINPROGRESS);  // as long as we wait
    ASSERT_TRUE(cable->unmute());
    EXPECT_EQ(connects(), 0);
    EXPECT_EQ((*node)->traffic().value().size(), 1U);
    ASSERT_TRUE(cable->unplug(addresses));
    EXPECT_EQ(connects(), EINPROGRESS);  // parked
    ASSERT_TRUE((*node)->unpark(addresses.v4));
    EXPECT_EQ(connects(), EHOSTUNREACH);
  });
}

}  // namespace
}  // namespace appshot
