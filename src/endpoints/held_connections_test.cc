#include "endpoints/held_connections.h"

#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <cstring>
#include <thread>

#include "os/links.h"

namespace appshot {
namespace {

// A thread in a network namespace of its own with loopback in it.
void on_loopback(const std::function<void()>& body) {
  std::thread([&] {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    NetlinkSocket routes = NetlinkSocket::open(NETLINK_ROUTE).value();
    ASSERT_TRUE(routes.change(links::set_link(static_cast<int>(::if_nametoindex("lo")), {})));
    body();
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

uint16_t port_of(const UniqueFd& socket) {
  sockaddr_in6 name{};
  socklen_t length = sizeof name;
  EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &length), 0);
  return ntohs(name.sin6_port);
}

UniqueFd new_socket(int flags = 0) {
  return UniqueFd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
}

UniqueFd listener_at(const IpAddress& address) {
  UniqueFd listener = new_socket();
  const sockaddr_in6 name = at(address, 0);
  EXPECT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  EXPECT_EQ(::listen(listener.get(), 9), 0);
  return listener;
}

struct Pair {
  UniqueFd client, server;
  TcpNames server_names;
};

Pair connected_with(const UniqueFd& listener, const IpAddress& address) {
  Pair pair{new_socket(), {}, {}};
  const sockaddr_in6 name = at(address, port_of(listener));
  EXPECT_EQ(::connect(pair.client.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  pair.server.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  pair.server_names = {{address, port_of(listener)}, {address, port_of(pair.client)}};
  return pair;
}

bool hears(const UniqueFd& socket, int patience_ms) {
  pollfd events{socket.get(), POLLIN, 0};
  return ::poll(&events, 1, patience_ms) == 1;
}

const IpAddress kAddresses[] = {IpAddress::v4(INADDR_LOOPBACK), IpAddress::v6(in6addr_loopback)};
constexpr int kPatienceMs = 5000;

TEST(HeldConnections, AreSilentUntilTheyAreLetGo) {
  on_loopback([] {
    const HeldConnections held("/a");
    for (const IpAddress& address : kAddresses) {
      const UniqueFd listener = listener_at(address);
      Pair first = connected_with(listener, address);
      const Pair other = connected_with(listener, address);
      Result<> done = held.hold({"5", "web"}, {{first.server_names}, {}});
      ASSERT_TRUE(done) << done.error().message();
      for (const Pair* pair : {static_cast<const Pair*>(&first), &other})
        ASSERT_EQ(::send(pair->server.get(), "x", 1, 0), 1);
      // Over loopback the one would be there before the other.
      EXPECT_TRUE(hears(other.client, kPatienceMs));
      EXPECT_FALSE(hears(first.client, 0));
      ASSERT_TRUE(held.let_go_of_snapshot("5"));
      EXPECT_TRUE(hears(first.client, kPatienceMs));
    }
  });
}

TEST(HeldConnections, WhereSomebodyListenedNobodyIsRefused) {
  on_loopback([] {
    const HeldConnections held("/a");
    for (const IpAddress& address : kAddresses) {
      // At the address, at every address, and one that is not held.
      const uint16_t ports[] = {port_of(listener_at(address)), port_of(listener_at(address)),
                                port_of(listener_at(address))};
      Result<> done = held.hold({"5", "web"}, {{}, {{address, ports[0]}, {{}, ports[1]}}});
      ASSERT_TRUE(done) << done.error().message();
      UniqueFd clients[3];
      for (size_t i = 0; i < 3; ++i) {
        clients[i] = new_socket(SOCK_NONBLOCK);
        const sockaddr_in6 name = at(address, ports[i]);
        EXPECT_NE(
            ::connect(clients[i].get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
      }
      EXPECT_TRUE(hears(clients[2], kPatienceMs));
      EXPECT_FALSE(hears(clients[0], 0));
      EXPECT_FALSE(hears(clients[1], 0));
      ASSERT_TRUE(held.let_go_of_instance("web"));
    }
  });
}

TEST(HeldConnections, ManyAreHeldAndEachHolderIsFoundAgain) {
  on_loopback([] {
    const HeldConnections held("/a"), of_another("/b");
    HeldTcp many;
    for (uint16_t port = 1; port <= 3000; ++port)
      many.connections.push_back({{kAddresses[port % 2], 80}, {kAddresses[port % 2], port}});
    const HeldConnections::Holder web{"5", "web-2"}, job{"6", "job"};
    for (const HeldConnections::Holder& holder : {web, job, web}) {
      Result<> done = held.hold(holder, many);
      ASSERT_TRUE(done) << done.error().message();
    }
    using Holders = std::vector<HeldConnections::Holder>;
    EXPECT_EQ(held.holders().value(), (Holders{web, job}));
    EXPECT_EQ(of_another.holders().value(), Holders{});
    ASSERT_TRUE(of_another.let_go_of_snapshot("5"));
    ASSERT_TRUE(held.let_go_of_instance("job"));
    EXPECT_EQ(held.holders().value(), Holders{web});
    ASSERT_TRUE(held.let_go_of_snapshot("5"));
    ASSERT_TRUE(held.let_go_of_snapshot("5"));
    EXPECT_EQ(held.holders().value(), Holders{});
  });
}

}  // namespace
}  // namespace appshot
