// Between a node and an instance that has another address inside; on the kernel's own sockets.
#include "endpoints/translation.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <iterator>
#include <memory>
#include <sstream>
#include <thread>

#include "base/deadline.h"
#include "endpoints/cable.h"
#include "endpoints/node_network.h"
#include "os/file.h"
#include "os/network_namespace.h"
#include "os/new_network_for_test.h"

namespace appshot {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr timeval kPatience{10, 0};
constexpr uint16_t kPort = 80, kNobodysPort = 81;
constexpr unsigned long kLocalRoute = 0x80000000;  // RTF_LOCAL
constexpr size_t kManyBytes = 4 << 20;

union Name {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

Name name_at(const IpAddress& address, uint16_t port) {
  Name name{};
  name.any.sa_family = static_cast<sa_family_t>(address.family());
  name.v4.sin_port = htons(port);  // of both at the same place
  void* into = address.is_v4() ? static_cast<void*>(&name.v4.sin_addr) : &name.v6.sin6_addr;
  std::memcpy(into, address.bytes().data(), address.bytes().size());
  return name;
}

IpAddress address_in(const Name& name) {
  return name.any.sa_family == AF_INET ? IpAddress::v4(ntohl(name.v4.sin_addr.s_addr))
                                       : IpAddress::v6(name.v6.sin6_addr);
}

template <typename Ask>
IpAddress asked(Ask ask, const UniqueFd& socket) {
  Name name{};
  socklen_t size = sizeof name;
  EXPECT_EQ(ask(socket.get(), &name.any, &size), 0) << std::strerror(errno);
  return address_in(name);
}
IpAddress own_name(const UniqueFd& socket) { return asked(::getsockname, socket); }
IpAddress peer_name(const UniqueFd& socket) { return asked(::getpeername, socket); }

// Bound to that address and no other.
UniqueFd socket_at(const IpAddress& address, int type, uint16_t port) {
  UniqueFd socket(::socket(address.family(), type | SOCK_CLOEXEC, 0));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  const Name name = name_at(address, port);
  EXPECT_EQ(::bind(socket.get(), &name.any, sizeof name), 0) << std::strerror(errno);
  return socket;
}

int connect_to(const UniqueFd& socket, const IpAddress& address, uint16_t port) {
  const Name name = name_at(address, port);
  return ::connect(socket.get(), &name.any, sizeof name) == 0 ? 0 : errno;
}

// The kernel makes the route to an own address of IPv6 some time after the address.
void await_own_route(const IpAddress& address) {
  std::string wanted;
  for (const uint8_t byte : address.bytes()) wanted += hexadecimal(byte).substr(6);
  auto is_there = [&] {
    std::istringstream routes(read_file("/proc/thread-self/net/ipv6_route").value());
    for (std::string line; std::getline(routes, line);) {
      std::istringstream words(line);
      const std::vector<std::string> fields{std::istream_iterator<std::string>(words), {}};
      if (fields.at(0) == wanted && (std::stoul(fields.at(8), nullptr, 16) & kLocalRoute) != 0)
        return true;
    }
    return false;
  };
  const Deadline deadline = Deadline::in(std::chrono::seconds(kPatience.tv_sec));
  while (!is_there() && !deadline.passed()) ::poll(nullptr, 0, 1);
  EXPECT_TRUE(is_there());
}

Bytes pattern(size_t size) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + (i >> 8));
  return bytes;
}

Bytes receive_all(const UniqueFd& socket, size_t size) {
  Bytes bytes(size);
  const ssize_t got = ::recv(socket.get(), bytes.data(), bytes.size(), MSG_WAITALL);
  bytes.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return bytes;
}

void expect_carries(const UniqueFd& from, const UniqueFd& to, size_t size) {
  const Bytes bytes = pattern(size);
  std::thread sends(
      [&] { EXPECT_EQ(::send(from.get(), bytes.data(), size, 0), static_cast<ssize_t>(size)); });
  EXPECT_TRUE(receive_all(to, size) == bytes);
  sends.join();
}

// Checksums are then made by who sends and looked at by who receives.
void leave_no_sums_to_devices(const std::string& device) {
  UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ethtool_value off{ETHTOOL_STXCSUM, 0};
  ifreq request{};
  device.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&off);
  EXPECT_EQ(::ioctl(socket.get(), SIOCETHTOOL, &request), 0) << std::strerror(errno);
}

// A node, and an instance that believes to have another address than others know it by.
class World {
 public:
  explicit World(bool sums_by_devices) { begin(sums_by_devices); }

  template <typename Make>
  UniqueFd inside(Make make) {
    UniqueFd made;
    EXPECT_TRUE(in_namespace(inside_.get(), [&]() -> Result<> {
      made = make();
      return {};
    }));
    return made;
  }
  NodeNetwork::Traffic traffic() const { return node_->traffic().value().front(); }

  struct Addresses {
    IpAddress node, outer, inner;
  };
  std::vector<Addresses> families() const {
    return {{addresses_.node_v4, addresses_.v4, addresses_.inside_v4()},
            {addresses_.node_v6, addresses_.v6, addresses_.inside_v6()}};
  }

 private:
  void begin(bool sums_by_devices) {
    auto set_up = NodeNetwork::set_up({*IpNetwork::parse("198.18.0.0/15"), {}, "/a"});
    ASSERT_TRUE(set_up) << set_up.error().message();
    node_ = std::move(*set_up);
    addresses_ = node_->addresses_of(node_->range().address(5));
    addresses_.inner_v4 = IpAddress::v4(0xc613fe07);  // of no part of this node's
    host_ = open_file("/proc/thread-self/ns/net", O_RDONLY).value();
    in_new_network([&] { lay(sums_by_devices); });
    if (!sums_by_devices) leave_no_sums_to_devices(traffic().device);
  }

  void lay(bool sums_by_devices) {
    inside_ = open_file("/proc/thread-self/ns/net", O_RDONLY).value();
    NetlinkSocket outside =
        in_namespace(host_.get(), [] { return NetlinkSocket::open(NETLINK_ROUTE); }).value();
    Result<Cable> laid = Cable::lay(std::move(outside), host_.get());
    ASSERT_TRUE(laid) << laid.error().message();
    const Result<> given = laid->give(addresses_);
    ASSERT_TRUE(given) << given.error().message();
    const Result<> translated = laid->translate(addresses_);
    ASSERT_TRUE(translated) << translated.error().message();
    ASSERT_TRUE(laid->plug(addresses_));
    if (!sums_by_devices) leave_no_sums_to_devices(kInsideName);
    await_own_route(addresses_.inside_v6());
  }

  std::unique_ptr<NodeNetwork> node_;
  EndpointAddresses addresses_;
  UniqueFd host_, inside_;
};

class AnotherAddressInside : public testing::TestWithParam<bool> {
 protected:
  void in_world(const std::function<void(World&)>& body) {
    in_new_network([&] {
      World world(GetParam());
      if (!HasFatalFailure()) body(world);
    });
  }
};

TEST_P(AnotherAddressInside, IsNotNoticedByWhoIsAsked) {
  in_world([](World& world) {
    for (const auto& [node, outer, inner] : world.families()) {
      UniqueFd server = world.inside([&, at = inner] { return socket_at(at, SOCK_STREAM, kPort); });
      ASSERT_EQ(::listen(server.get(), 4), 0);
      UniqueFd client = socket_at(node, SOCK_STREAM, 0);
      ASSERT_EQ(connect_to(client, outer, kPort), 0);
      UniqueFd accepted(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
      EXPECT_EQ(own_name(accepted), inner);
      EXPECT_EQ(peer_name(accepted), node);
      EXPECT_EQ(peer_name(client), outer);
      expect_carries(client, accepted, kManyBytes);
      expect_carries(accepted, client, kManyBytes);
      UniqueFd refused = socket_at(node, SOCK_STREAM, 0);
      EXPECT_EQ(connect_to(refused, outer, kNobodysPort), ECONNREFUSED);
    }
  });
}

TEST_P(AnotherAddressInside, IsNotNoticedByWhoAsks) {
  in_world([](World& world) {
    for (const auto& [node, outer, inner] : world.families()) {
      UniqueFd server = socket_at(node, SOCK_STREAM, kPort);
      ASSERT_EQ(::listen(server.get(), 4), 0);
      UniqueFd client = world.inside(
          [family = node.family()] { return UniqueFd(::socket(family, SOCK_STREAM, 0)); });
      ASSERT_EQ(connect_to(client, node, kPort), 0);
      UniqueFd accepted(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
      EXPECT_EQ(own_name(client), inner);
      EXPECT_EQ(peer_name(accepted), outer);
      expect_carries(client, accepted, kManyBytes);
    }
  });
}

TEST_P(AnotherAddressInside, CarriesDatagramsInPieces) {
  in_world([](World& world) {
    for (const auto& [node, outer, inner] : world.families()) {
      UniqueFd server = world.inside([&, at = inner] { return socket_at(at, SOCK_DGRAM, kPort); });
      UniqueFd client = socket_at(node, SOCK_DGRAM, kPort);
      ASSERT_EQ(connect_to(client, outer, kPort), 0);
      ASSERT_EQ(connect_to(server, node, kPort), 0);
      for (const size_t size : {1U, 1000U, 20000U, 60000U}) {
        expect_carries(client, server, size);
        expect_carries(server, client, size);
      }
    }
  });
}

TEST_P(AnotherAddressInside, IsToldOfErrorsAndTells) {
  in_world([](World& world) {
    for (const auto& [node, outer, inner] : world.families()) {
      auto expect_refused = [](const UniqueFd& socket, const IpAddress& to) {
        SCOPED_TRACE("at " + to.text());
        ASSERT_EQ(connect_to(socket, to, kNobodysPort), 0);
        ASSERT_EQ(::send(socket.get(), "x", 1, 0), 1);
        char got;
        EXPECT_EQ(::recv(socket.get(), &got, 1, 0), -1);
        EXPECT_EQ(errno, ECONNREFUSED);
      };
      expect_refused(socket_at(node, SOCK_DGRAM, 0), outer);
      expect_refused(world.inside([&, at = inner] { return socket_at(at, SOCK_DGRAM, 0); }), node);
    }
  });
}

TEST_P(AnotherAddressInside, LeadsToItselfAsTheOtherDoesOutside) {
  in_world([](World& world) {
    const World::Addresses first = world.families().front();
    const IpAddress &outer = first.outer, &inner = first.inner;
    UniqueFd server = world.inside([&, at = inner] { return socket_at(at, SOCK_STREAM, kPort); });
    ASSERT_EQ(::listen(server.get(), 4), 0);
    for (const IpAddress& to : {inner, outer}) {
      const uint64_t before = world.traffic().from_instance_bytes;
      UniqueFd client = world.inside([] { return UniqueFd(::socket(AF_INET, SOCK_STREAM, 0)); });
      ASSERT_EQ(connect_to(client, to, kPort), 0);
      UniqueFd accepted(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
      EXPECT_EQ(own_name(client), inner);
      EXPECT_EQ(peer_name(accepted), to);
      expect_carries(client, accepted, kManyBytes);
      EXPECT_EQ(world.traffic().from_instance_bytes > before, to == outer);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(All, AnotherAddressInside, testing::Bool(), [](const auto& is) {
  return std::string(is.param ? "SumsByDevices" : "SumsBySenders");
});

}  // namespace
}  // namespace appshot
