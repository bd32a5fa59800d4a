#include "endpoints/name_relay.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <thread>

#include "os/new_network_for_test.h"

namespace appshot {
namespace {

constexpr int kSoonMs = 10'000;
constexpr size_t kHeader = 12;

IpAddress loopback(uint32_t number = 1) { return IpAddress::v4(0x7f000000 + number); }

// A socket of a client or a server of names.
class Socket {
 public:
  Socket(int type, const IpAddress& at, uint16_t port = 0) : fd_(::socket(at.family(), type, 0)) {
    const SocketName name = SocketName::of(at, port);
    EXPECT_EQ(::bind(fd_.get(), name.get(), name.size), 0);
    if (type == SOCK_STREAM) {
      EXPECT_EQ(::listen(fd_.get(), 9), 0);
    }
  }
  explicit Socket(UniqueFd fd) : fd_(std::move(fd)) {}

  NameServer server() const {
    SocketName name;
    EXPECT_EQ(::getsockname(fd_.get(), name.get(), &name.size), 0);
    return {name.address(), name.port()};
  }
  void send(const std::string& text, const SocketName& to) const {
    EXPECT_EQ(::sendto(fd_.get(), text.data(), text.size(), 0, to.get(), to.size),
              static_cast<ssize_t>(text.size()));
  }
  std::string receive(SocketName* from = nullptr) const {
    EXPECT_TRUE(is_readable());
    std::string text(70000, 0);
    SocketName other;
    const ssize_t got =
        ::recvfrom(fd_.get(), text.data(), text.size(), MSG_DONTWAIT, other.get(), &other.size);
    text.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (from != nullptr) *from = other;
    return text;
  }
  bool is_readable(int ms = kSoonMs) const {
    pollfd state{fd_.get(), POLLIN, 0};
    return ::poll(&state, 1, ms) == 1;
  }
  Socket accept() const {
    EXPECT_TRUE(is_readable());
    return Socket(UniqueFd(::accept(fd_.get(), nullptr, nullptr)));
  }
  // Until the end.
  std::string all() const {
    std::string text;
    for (std::string some; !(some = receive()).empty();) text += some;
    return text;
  }
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

std::string question(char id, const std::string& text) {
  return std::string(1, 0) + id + std::string(kHeader - 2, 0) + text;
}
std::string answer_to(std::string asked, const std::string& text) {
  asked[2] = static_cast<char>(0x80);
  return asked + text;
}

// On a loopback of its own.
class Relay : public testing::Test {
 protected:
  static void run(const std::function<void()>& body) { in_new_network(body); }

  void start(const std::vector<NameServer>& servers) {
    NameRelay::Wish wish{loopback(), {loopback(0), 24}, 0, [servers] { return servers; }};
    auto relay = NameRelay::start(wish);
    ASSERT_TRUE(relay) << relay.error().message();
    relay_ = std::move(*relay);
    name_ = SocketName::of(loopback(), relay_->port());
  }

  Socket connected() {
    Socket client(SOCK_STREAM | SOCK_CLOEXEC, loopback(9));
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(::connect(fd.get(), name_.get(), name_.size), 0);
    return Socket(std::move(fd));
  }

  std::unique_ptr<NameRelay> relay_;
  SocketName name_;
};

TEST_F(Relay, AnswersComeBackToWhoAsked) {
  run([&] {
    for (const IpAddress& at : {loopback(11), IpAddress::v6(in6addr_loopback)}) {
      const Socket server(SOCK_DGRAM, at);
      start({server.server()});
      const Socket one(SOCK_DGRAM, loopback()), other(SOCK_DGRAM, loopback(3));
      one.send(question(7, "one"), name_);
      SocketName first, second;
      EXPECT_EQ(server.receive(&first), question(7, "one"));
      other.send(question(7, "other"), name_);
      EXPECT_EQ(server.receive(&second), question(7, "other"));
      server.send(answer_to(question(7, "other"), "2"), second);
      server.send(answer_to(question(7, "one"), std::string(60000, '1')), first);
      EXPECT_EQ(other.receive(), answer_to(question(7, "other"), "2"));
      EXPECT_EQ(one.receive(), answer_to(question(7, "one"), std::string(60000, '1')));
    }
  });
}

TEST_F(Relay, AnswersToOtherQuestionsAreNone) {
  run([&] {
    const Socket server(SOCK_DGRAM, loopback(11)), stranger(SOCK_DGRAM, loopback(11));
    start({server.server()});
    const Socket client(SOCK_DGRAM, loopback());
    client.send(question(7, "?"), name_);
    SocketName from;
    server.receive(&from);
    stranger.send(answer_to(question(7, "?"), "a lie"), from);
    server.send(answer_to(question(8, "?"), "another"), from);
    server.send(answer_to(question(7, "?"), "the truth"), from);
    EXPECT_EQ(client.receive(), answer_to(question(7, "?"), "the truth"));
  });
}

TEST_F(Relay, TheNextServerIsAskedWhereNobodyIs) {
  run([&] {
    const Socket server(SOCK_DGRAM, loopback(11)), silent(SOCK_DGRAM, loopback(12));
    start({{loopback(10), 9}, silent.server(), server.server()});
    const Socket client(SOCK_DGRAM, loopback());
    client.send(question(7, "?"), name_);
    SocketName from;
    EXPECT_EQ(silent.receive(), question(7, "?"));
    EXPECT_EQ(server.receive(&from), question(7, "?"));  // when the other has had its time
    server.send(answer_to(question(7, "?"), "!"), from);
    EXPECT_EQ(client.receive(), answer_to(question(7, "?"), "!"));
  });
}

TEST_F(Relay, WhatNobodyCanAnswerHasFailed) {
  run([&] {
    start({{loopback(10), 9}});
    const Socket client(SOCK_DGRAM, loopback());
    client.send(question(7, "?"), name_);
    const std::string answer = client.receive();
    ASSERT_EQ(answer.size(), kHeader + 1);
    EXPECT_EQ(answer[2], static_cast<char>(0x80));
    EXPECT_EQ(answer[3], 2);  // SERVFAIL
    const Socket connection = connected();
    EXPECT_EQ(connection.all(), "");
  });
}

TEST_F(Relay, OthersAreNotHeard) {
  run([&] {
    const Socket server(SOCK_DGRAM, loopback(11)), listener(SOCK_STREAM, loopback(11));
    start({server.server()});
    const Socket stranger(SOCK_DGRAM, loopback(0x101)), client(SOCK_DGRAM, loopback());
    stranger.send(question(1, "stranger"), name_);
    client.send(question(2, "client"), name_);
    EXPECT_EQ(server.receive(), question(2, "client"));
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
    const SocketName there = SocketName::of(loopback(0x101), 0);
    EXPECT_EQ(::bind(fd.get(), there.get(), there.size), 0);
    EXPECT_EQ(::connect(fd.get(), name_.get(), name_.size), 0);
    EXPECT_EQ(Socket(std::move(fd)).all(), "");
  });
}

TEST_F(Relay, NoMoreAreUnderWayThanItHasRoomFor) {
  run([&] {
    const Socket server(SOCK_DGRAM, loopback(11));
    start({server.server()});
    const Socket client(SOCK_DGRAM, loopback());
    const Deadline before_they_expire = Deadline::in(std::chrono::milliseconds(1500));
    SocketName from;
    for (int left = 256; left > 0; left -= 64) {  // as many as fit into a socket
      for (int i = 0; i < 64; ++i) client.send(question(1, "kept"), name_);
      for (int i = 0; i < 64; ++i) EXPECT_EQ(server.receive(&from), question(1, "kept"));
    }
    for (int i = 0; i < 9; ++i) client.send(question(2, "lost"), name_);
    server.send(answer_to(question(1, "kept"), "!"), from);
    EXPECT_EQ(client.receive(), answer_to(question(1, "kept"), "!"));
    client.send(question(3, "next"), name_);
    const std::string next = server.receive();
    if (before_they_expire.passed()) GTEST_SKIP() << "this machine was too busy";
    // Those before may have been looked at after the answer.
    EXPECT_TRUE(next == question(3, "next") || next == question(2, "lost"));
    EXPECT_FALSE(server.is_readable(0));
  });
}

TEST_F(Relay, ConnectionsCarryLargeAnswers) {
  run([&] {
    const Socket server(SOCK_STREAM, loopback(11));
    start({{loopback(10), 9}, server.server()});
    const Socket client = connected();
    EXPECT_EQ(::send(client.fd(), "question", 8, 0), 8);
    const Socket accepted = server.accept();
    EXPECT_EQ(accepted.receive(), "question");
    const std::string answer(3 << 20, 'a');
    std::thread answering([&] {
      for (size_t sent = 0; sent < answer.size();)
        sent += static_cast<size_t>(
            ::send(accepted.fd(), answer.data() + sent, answer.size() - sent, 0));
      ::shutdown(accepted.fd(), SHUT_WR);
    });
    EXPECT_EQ(client.all(), answer);
    answering.join();
    ::shutdown(client.fd(), SHUT_WR);
    EXPECT_EQ(accepted.all(), "");
  });
}

TEST_F(Relay, ItsPortStaysWhereItIsFree) {
  run([&] {
    start({});
    const uint16_t port = relay_->port();
    relay_.reset();
    NameRelay::Wish wish{
        loopback(), {loopback(0), 24}, port, [] { return std::vector<NameServer>(); }};
    relay_ = NameRelay::start(wish).value();
    EXPECT_EQ(relay_->port(), port);
    EXPECT_NE(NameRelay::start(wish).value()->port(), port);
  });
}

}  // namespace
}  // namespace appshot
