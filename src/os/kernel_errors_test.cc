#include "os/kernel_errors.h"

#include <gtest/gtest.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <cstring>
#include <optional>

#include "base/deadline.h"
#include "os/unique_fd.h"

namespace appshot {
namespace {

UniqueFd bound_to_loopback(sockaddr_in& name) {
  UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  name = {};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof name;
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&name), length), 0);
  EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &length), 0);
  return socket;
}

// A socket that has sent to where nobody is, and has been told so.
UniqueFd refused_socket(bool asks_for_more) {
  sockaddr_in nobody{}, own{};
  bound_to_loopback(nobody).reset();
  UniqueFd socket = bound_to_loopback(own);
  const int on = asks_for_more ? 1 : 0;
  EXPECT_EQ(::setsockopt(socket.get(), IPPROTO_IP, IP_RECVERR, &on, sizeof on), 0);
  EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&nobody), sizeof nobody), 0);
  EXPECT_EQ(::send(socket.get(), "to nobody", 9, 0), 9);
  const Deadline deadline = Deadline::in(std::chrono::seconds(5));
  pollfd state{socket.get(), 0, 0};
  while (::poll(&state, 1, 1) != 1 && !deadline.passed()) {
  }
  return socket;
}

class KernelErrors : public testing::Test {
 protected:
  void SetUp() override {
    Result<KernelView> kernel = KernelView::open(nullptr);
    if (!kernel) GTEST_SKIP() << kernel.error().message();
    kernel_.emplace(std::move(*kernel));
  }
  std::optional<KernelView> kernel_;
};

TEST_F(KernelErrors, AreSeenAndNotTaken) {
  const UniqueFd socket = refused_socket(false);
  EXPECT_EQ(waiting_errors(*kernel_, socket.get()).value().next, ECONNREFUSED);
  EXPECT_TRUE(waiting_errors(*kernel_, socket.get()).value().queue.empty());
  int error = 0;
  socklen_t length = sizeof error;
  ASSERT_EQ(::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length), 0);
  EXPECT_EQ(error, ECONNREFUSED);
  EXPECT_EQ(waiting_errors(*kernel_, socket.get()).value().next, 0);
}

TEST_F(KernelErrors, ComeWithThePacketThatToldOfThem) {
  const UniqueFd socket = refused_socket(true);
  const WaitingErrors errors = waiting_errors(*kernel_, socket.get()).value();
  ASSERT_EQ(errors.queue.size(), 1U);
  EXPECT_EQ(errors.queue[0].origin, SO_EE_ORIGIN_ICMP);
  const std::vector<uint8_t>& packet = errors.queue[0].packet;
  ASSERT_GT(packet.size(), sizeof(iphdr) + 9);
  iphdr header{};
  std::memcpy(&header, packet.data(), sizeof header);
  EXPECT_EQ(header.protocol, IPPROTO_ICMP);
  EXPECT_EQ(ntohs(header.tot_len), packet.size());
  EXPECT_EQ(std::string(packet.end() - 9, packet.end()), "to nobody");
}

}  // namespace
}  // namespace appshot
