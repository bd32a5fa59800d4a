#include "resources/tcp/ended.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <tuple>

#include "base/deadline.h"
#include "os/file.h"
#include "os/new_network_for_test.h"
#include "os/socket_name.h"
#include "resources/tcp/repair.h"

namespace appshot::tcp {
namespace {

constexpr char kSetting[] = "/proc/sys/net/ipv4/tcp_rfc1337";

// A connection over loopback, whose server's end is closed first; its client's, if `is_over`.
UniqueFd end_one(const IpAddress& at, uint16_t port, bool is_over, int reuse) {
  SocketName name = SocketName::of(at, port);
  UniqueFd listener(::socket(at.family(), SOCK_STREAM, 0));
  const int on = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  EXPECT_EQ(::bind(listener.get(), name.get(), name.size), 0);
  EXPECT_EQ(::listen(listener.get(), 1), 0);
  UniqueFd client(::socket(at.family(), SOCK_STREAM, 0));
  EXPECT_EQ(::connect(client.get(), name.get(), name.size), 0);
  UniqueFd server(::accept(listener.get(), nullptr, nullptr));
  ::setsockopt(server.get(), SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
  EXPECT_EQ(::send(client.get(), "question", 8, 0), 8);
  char heard[9];
  EXPECT_EQ(::recv(server.get(), heard, 8, MSG_WAITALL), 8);
  EXPECT_EQ(::send(server.get(), "answer", 6, 0), 6);
  EXPECT_EQ(::recv(client.get(), heard, 6, MSG_WAITALL), 6);
  server.reset();
  EXPECT_EQ(::recv(client.get(), heard, 1, 0), 0);
  if (is_over) client.reset();
  return client;
}

auto names(const EndedTcpConnection& one) {
  return std::tuple(one.names.own.address.text(), one.names.own.port, one.names.peer.address.text(),
                    one.names.peer.port);
}

// When there are as many as there should be.
std::vector<EndedTcpConnection> list(KernelView& kernel, size_t count) {
  std::vector<EndedTcpConnection> found;
  const Deadline deadline = Deadline::in(std::chrono::seconds(5));
  do {
    found = list_left_tcp(kernel).value().ended;
  } while (found.size() < count && !deadline.passed() && ::poll(nullptr, 0, 1) == 0);
  EXPECT_EQ(found.size(), count);
  std::ranges::sort(found, {}, names);
  return found;
}

std::vector<image::EndedTcp> records_of(const std::vector<EndedTcpConnection>& connections) {
  std::vector<image::EndedTcp> records;
  const uint32_t time = kernel_time().value();
  for (const auto& one : connections) records.push_back(ended_record(one, -1, time));
  return records;
}

Result<> make(const std::vector<image::EndedTcp>& records) {
  std::vector<const image::EndedTcp*> all;
  for (const image::EndedTcp& record : records) all.push_back(&record);
  return make_ended(all);
}

class EndedTcp : public testing::Test {
 protected:
  void SetUp() override {
    Result<KernelView> kernel = KernelView::open(nullptr);
    if (!kernel) GTEST_SKIP() << kernel.error().message();
    kernel_.emplace(std::move(*kernel));
  }
  static void in_network(const std::function<void()>& body) { in_new_network(body); }

  std::optional<KernelView> kernel_;
};

TEST_F(EndedTcp, AreMadeAgainAsTheyWere) {
  std::vector<EndedTcpConnection> before;
  std::vector<image::EndedTcp> records;
  in_network([&] {
    const IpAddress v4 = IpAddress::v4(INADDR_LOOPBACK), v6 = IpAddress::v6(in6addr_loopback);
    end_one(v4, 5000, true, 0);
    end_one(v6, 5000, true, 1);
    const UniqueFd waits = end_one(v4, 5001, false, 1);
    const UniqueFd waits_v6 = end_one(v6, 5002, false, 0);
    before = list(*kernel_, 4);
    records = records_of(before);
  });
  const uint32_t then = kernel_time().value();
  in_network([&] {
    Result<> made = make(records);
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_EQ(read_file(kSetting).value(), "0\n");
    const std::vector<EndedTcpConnection> after = list(*kernel_, before.size());
    const uint32_t now = kernel_time().value();
    for (size_t i = 0; i < after.size(); ++i) {
      SCOPED_TRACE(std::to_string(after[i].names.own.port));
      EXPECT_EQ(names(after[i]), names(before[i]));
      EXPECT_EQ(after[i].family, before[i].family);
      EXPECT_EQ(after[i].state, before[i].state);
      EXPECT_EQ(after[i].sent, before[i].sent);
      EXPECT_EQ(after[i].received, before[i].received);
      EXPECT_EQ(after[i].window, before[i].window);
      EXPECT_EQ(after[i].window_scale, before[i].window_scale);
      EXPECT_EQ(after[i].tells_times, before[i].tells_times);
      EXPECT_EQ(after[i].peer_time, before[i].peer_time);
      EXPECT_EQ(after[i].reuses_address, before[i].reuses_address);
      // Its clock shows what it showed then, a little later.
      const uint32_t own_then = then + before[i].time_offset;
      const auto passed = static_cast<int32_t>(now + after[i].time_offset - own_then);
      EXPECT_GE(passed, -static_cast<int32_t>(now - then));
      EXPECT_LE(passed, static_cast<int32_t>(now - then) + 2);
    }
  });
}

TEST_F(EndedTcp, KeepTheirPortsAndAreNotInOneAnothersWay) {
  constexpr size_t kMany = 300;  // more than one processor makes at once
  std::vector<image::EndedTcp> records;
  in_network([&] {
    for (size_t i = 0; i < kMany; ++i)
      end_one(IpAddress::v4(INADDR_LOOPBACK), i < 200 ? 80 : static_cast<uint16_t>(5000 + i), true,
              1);
    records = records_of(list(*kernel_, kMany));
  });
  in_network([&] {
    // Its own listener has its port already.
    const SocketName name = SocketName::of(IpAddress::v4(INADDR_LOOPBACK), 80);
    UniqueFd listener(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(listener.get(), name.get(), name.size), 0);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    Result<> made = make(records);
    ASSERT_TRUE(made) << made.error().message();
    list(*kernel_, kMany);
    listener.reset();
    UniqueFd strict(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(::bind(strict.get(), name.get(), name.size), -1);
    EXPECT_EQ(errno, EADDRINUSE);
  });
}

TEST_F(EndedTcp, WhereTheirAddressIsNotTheyAreNot) {
  in_network([&] {
    Result<> made = make({image::EndedTcp(0, 0x0300020affff0000, 0, 0x0400020affff0000, -1, 5, 6,
                                          100, 2, 3, 80, 81, AF_INET, TCP_TIME_WAIT, 7, 1)});
    ASSERT_TRUE(made) << made.error().message();
    list(*kernel_, 0);
  });
}

}  // namespace
}  // namespace appshot::tcp
