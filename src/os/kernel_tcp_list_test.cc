#include "os/kernel_tcp_list.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/deadline.h"
#include "os/kernel_tcp.h"
#include "os/new_network_for_test.h"
#include "os/unique_fd.h"

namespace appshot {
namespace {

// In a network namespace in which nobody else is.
void in_empty_network(const std::function<void(KernelView&)>& body) {
  Result<KernelView> kernel = KernelView::open(nullptr);
  if (!kernel) GTEST_SKIP() << kernel.error().message();
  in_new_network([&] { body(*kernel); });
}

struct Pair {
  UniqueFd client, server;
  uint16_t port = 0;  // of the server
};

Pair connect(int family) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = in6addr_loopback;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* name =
      family == AF_INET ? reinterpret_cast<sockaddr*>(&v4) : reinterpret_cast<sockaddr*>(&v6);
  socklen_t size = family == AF_INET ? sizeof v4 : sizeof v6;
  UniqueFd listener(::socket(family, SOCK_STREAM, 0));
  EXPECT_EQ(::bind(listener.get(), name, size), 0);
  EXPECT_EQ(::listen(listener.get(), 1), 0);
  EXPECT_EQ(::getsockname(listener.get(), name, &size), 0);
  Pair pair;
  pair.client.reset(::socket(family, SOCK_STREAM, 0));
  EXPECT_EQ(::connect(pair.client.get(), name, size), 0);
  pair.server.reset(::accept(listener.get(), nullptr, nullptr));
  pair.port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
  return pair;
}

TEST(KernelTcpList, TellsWhatIsLeftOfConnectionsThatBothHaveClosed) {
  in_empty_network([](KernelView& kernel) {
    uint16_t ports[2];
    for (int family : {AF_INET, AF_INET6}) {
      Pair pair = connect(family);
      ports[family == AF_INET6] = pair.port;
      const int reuses = family == AF_INET;
      ::setsockopt(pair.server.get(), SOL_SOCKET, SO_REUSEADDR, &reuses, sizeof reuses);
      pair.server.reset();  // who closes first keeps the port
      char none;
      EXPECT_EQ(::read(pair.client.get(), &none, 1), 0);
      pair.client.reset();
    }
    Result<LeftTcp> left = list_left_tcp(kernel);
    ASSERT_TRUE(left) << left.error().message();
    EXPECT_TRUE(left->unowned.empty());
    ASSERT_EQ(left->ended.size(), 2U);
    for (const EndedTcpConnection& one : left->ended) {
      EXPECT_EQ(one.state, TCP_TIME_WAIT);
      EXPECT_EQ(one.names.own.port, ports[one.family == AF_INET6]);
      EXPECT_EQ(one.names.own.address.text(), one.family == AF_INET6 ? "::1" : "127.0.0.1");
      EXPECT_EQ(one.names.peer.address, one.names.own.address);
      EXPECT_NE(one.sent, 0U);
      EXPECT_NE(one.received, 0U);
      EXPECT_TRUE(one.tells_times);
      EXPECT_EQ(one.reuses_address, one.family == AF_INET);
      EXPECT_FALSE(one.is_transparent);
    }
  });
}

TEST(KernelTcpList, TellsWhoWaitsForTheOthersEnd) {
  in_empty_network([](KernelView& kernel) {
    Pair pair = connect(AF_INET);
    pair.server.reset();
    LeftTcp left;
    const Deadline deadline = Deadline::in(std::chrono::seconds(5));
    while (left.ended.empty() && !deadline.passed()) {  // until its end has been acknowledged
      ::poll(nullptr, 0, 1);
      left = list_left_tcp(kernel).value();
    }
    ASSERT_EQ(left.ended.size(), 1U);
    EXPECT_EQ(left.ended[0].state, TCP_FIN_WAIT2);
  });
}

TEST(KernelTcpList, FindsWhatWasClosedWithBytesOnTheirWay) {
  in_empty_network([](KernelView& kernel) {
    Pair pair = connect(AF_INET);
    std::vector<uint8_t> sent;
    for (;;) {
      std::vector<uint8_t> some(10000);
      for (uint8_t& byte : some) byte = static_cast<uint8_t>(sent.size() * 7 + (&byte - &some[0]));
      const ssize_t took = ::send(pair.client.get(), some.data(), some.size(), MSG_DONTWAIT);
      if (took < 0) break;
      sent.insert(sent.end(), some.begin(), some.begin() + took);
    }
    EXPECT_TRUE(list_left_tcp(kernel)->unowned.empty());
    pair.client.reset();
    const LeftTcp left = list_left_tcp(kernel).value();
    ASSERT_EQ(left.unowned.size(), 1U);
    EXPECT_EQ(left.unowned[0].names.peer.port, pair.port);
    auto looked = unowned_tcp_connection(kernel, left.unowned[0].address);
    ASSERT_TRUE(looked) << looked.error().message();
    const std::optional<UnownedTcpConnection>& it = *looked;
    ASSERT_TRUE(it);
    EXPECT_EQ(it->state, TCP_FIN_WAIT1);
    ASSERT_LT(it->to_send.size(), sent.size());
    EXPECT_GT(it->to_send.size(), 0U);
    EXPECT_TRUE(std::equal(it->to_send.rbegin(), it->to_send.rend(), sent.rbegin()));
    // All of it arrives, so what has is what is not there.
    int arrived = 0;
    char bytes[4096];
    for (ssize_t got; (got = ::recv(pair.server.get(), bytes, sizeof bytes, 0)) > 0;)
      arrived += static_cast<int>(got);
    EXPECT_EQ(static_cast<size_t>(arrived), sent.size());
  });
}

}  // namespace
}  // namespace appshot
