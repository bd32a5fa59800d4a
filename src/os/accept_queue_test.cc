#include "os/accept_queue.h"

#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <thread>

#include "base/deadline.h"

namespace appshot {
namespace {

constexpr uint16_t kPort = 5000;

// In a network of its own, which ends with it.
void in_own_network(const std::function<void()>& body) {
  std::thread([&] {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    const UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq up{};
    std::strcpy(up.ifr_name, "lo");
    up.ifr_flags = IFF_UP;
    ASSERT_EQ(::ioctl(any.get(), SIOCSIFFLAGS, &up), 0);
    body();
  }).join();
}

UniqueFd listener_at(uint32_t address) {
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(kPort);
  at.sin_addr.s_addr = htonl(address);
  EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  EXPECT_EQ(::listen(listener.get(), 9), 0);
  return listener;
}

WaitingTcpConnection some_connection() {
  WaitingTcpConnection it;
  it.name = IpAddress::v4(INADDR_LOOPBACK);
  it.peer = IpAddress::v4(INADDR_LOOPBACK);
  it.port = kPort;
  it.peer_port = 4999;
  it.state = TCP_CLOSE_WAIT;
  it.has_finished = true;
  it.sent = 0x80000000;
  it.to_read.assign(50000, 'x');
  it.received = 49000;  // the numbers begin anew meanwhile
  it.agreed = TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE;
  it.send_scale = 7;
  it.receive_scale = 5;
  it.segment = 1460;
  it.send_window = 64000;
  it.peer_time = 1000;
  return it;
}

TEST(AcceptQueue, HoldsAConnectionAsItIsToldOf) {
  Result<KernelView> kernel = KernelView::open(nullptr);
  if (!kernel) GTEST_SKIP() << kernel.error().message();
  in_own_network([&] {
    Result<AcceptQueue> queue = AcceptQueue::open();
    ASSERT_TRUE(queue) << queue.error().message();
    const UniqueFd listener = listener_at(INADDR_LOOPBACK);
    const WaitingTcpConnection wanted = some_connection();
    const Result<> put = queue->put({wanted, 123456, true, false});
    ASSERT_TRUE(put) << put.error().message();
    std::vector<WaitingTcpConnection> there;
    const Deadline deadline = Deadline::in(std::chrono::seconds(5));
    do {
      there = waiting_tcp_connections(*kernel, listener.get()).value();
    } while (!deadline.passed() && (there.empty() || !there[0].has_finished));
    ASSERT_EQ(there.size(), 1U);
    EXPECT_EQ(there[0].peer, wanted.peer);
    EXPECT_EQ(there[0].peer_port, wanted.peer_port);
    EXPECT_EQ(there[0].port, wanted.port);
    EXPECT_EQ(there[0].state, TCP_CLOSE_WAIT);
    EXPECT_EQ(there[0].sent, wanted.sent);
    EXPECT_EQ(there[0].received, wanted.received);
    EXPECT_EQ(there[0].to_read, wanted.to_read);
    EXPECT_EQ(there[0].agreed, wanted.agreed);
    EXPECT_EQ(there[0].send_scale, wanted.send_scale);
    EXPECT_EQ(there[0].receive_scale, wanted.receive_scale);
    EXPECT_EQ(there[0].segment, wanted.segment);
    EXPECT_EQ(there[0].peer_time, wanted.peer_time);
    EXPECT_EQ(there[0].send_window, 64000U);
  });
}

TEST(AcceptQueue, TellsThatNobodyListens) {
  in_own_network([&] {
    Result<AcceptQueue> queue = AcceptQueue::open();
    if (!queue) GTEST_SKIP() << queue.error().message();
    const WaitingTcpConnection wanted = some_connection();
    const Result<> put = queue->put({wanted, 123456, true, false});
    ASSERT_FALSE(put);
    EXPECT_NE(put.error().message().find("nobody listens"), std::string::npos);
  });
}

}  // namespace
}  // namespace appshot
