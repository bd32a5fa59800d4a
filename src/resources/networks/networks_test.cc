#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

#include "os/links.h"
#include "os/namespace_visit.h"
#include "resources/networks/look.h"

namespace appshot::networks {
namespace {

class ANetwork : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    Result<NamespaceVisit> visit = NamespaceVisit::to("/proc/thread-self/ns/net", "net");
    ASSERT_TRUE(visit);
    home_.emplace(std::move(*visit));
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    Result<NetlinkSocket> socket = NetlinkSocket::open(NETLINK_ROUTE);
    ASSERT_TRUE(socket);
    socket_.emplace(std::move(*socket));
    ASSERT_TRUE(set_loopback(*socket_, true));
  }

  static const Kind& addresses() { return kinds().front(); }
  std::vector<Object> list_addresses() { return *list(*socket_, addresses()); }

  std::optional<NamespaceVisit> home_;
  std::optional<NetlinkSocket> socket_;
};

TEST_F(ANetwork, IsLikeANewOneUntilSomethingIsConfigured) {
  const Result<NewNetwork> of_new = look_at_new();
  ASSERT_TRUE(of_new);
  ::usleep(20'000);  // addresses tell in hundredths of a second since when they are there
  ASSERT_TRUE(set_loopback(*socket_, false));
  ASSERT_TRUE(set_loopback(*socket_, true));
  EXPECT_TRUE(is_like(*look(), of_new->look));
  EXPECT_TRUE(differences(read_settings(), of_new->settings, "").empty());
  ASSERT_TRUE(set_loopback(*socket_, false));
  EXPECT_FALSE(is_like(*look(), of_new->look));
}

TEST_F(ANetwork, IsMadeTheSameAgain) {
  const std::vector<Object> before = list_addresses();
  auto ours = links::add_address(kLoopback, *IpAddress::parse("10.1.2.3"));
  ASSERT_TRUE(socket_->change(ours));
  std::vector<Object> with_more = list_addresses();
  ASSERT_EQ(with_more.size(), before.size() + 1);
  // What is ours is nobody else's business.
  EXPECT_EQ(
      std::ranges::count_if(with_more, [](const Object& one) { return is_ours(addresses(), one); }),
      1);
  ASSERT_TRUE(make_same(*socket_, addresses(), {}));
  EXPECT_EQ(list_addresses().size(), 1U);
  ASSERT_TRUE(make_same(*socket_, addresses(), before));
  EXPECT_EQ(list_addresses().size(), with_more.size());
}

TEST_F(ANetwork, HasDevicesThatAreMadeAsTheyWere) {
  NetlinkMessage bridge(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, ifinfomsg{}, "bridge");
  bridge.add(IFLA_IFNAME, std::string_view("b0")).nest(IFLA_LINKINFO, [](NetlinkMessage& info) {
    info.add(IFLA_INFO_KIND, std::string_view("bridge"));
  });
  if (!socket_->change(bridge)) GTEST_SKIP() << "no bridges here";
  const std::vector<Device> devices = *list_devices(*socket_);
  ASSERT_EQ(devices.size(), 2U);
  EXPECT_EQ(devices[1].obstacle(), "");
  const Device kept = devices[1].settable();
  EXPECT_EQ(kept.kind(), "bridge");
  ASSERT_TRUE(socket_->change(links::delete_link(kept.index())));
  ASSERT_TRUE(socket_->change(kept.make()));
  ASSERT_TRUE(socket_->change(kept.settings()));
  EXPECT_EQ((*list_devices(*socket_))[1].settable().body(), kept.body());
}

TEST(SettingsOfNetworks, OfDevicesAreToldAllOrNone) {
  const Settings of_new{{"/proc/sys/net/ipv4/conf/all/forwarding", "0"},
                        {"/proc/sys/net/ipv4/conf/default/forwarding", "0"},
                        {"/proc/sys/net/ipv4/conf/lo/forwarding", "0"},
                        {"/proc/sys/net/ipv4/ip_default_ttl", "64"}};
  Settings own = of_new;
  own["/proc/sys/net/ipv4/conf/eth0/forwarding"] = "0";
  EXPECT_TRUE(differences(own, of_new, "eth0").empty());
  EXPECT_EQ(differences(own, of_new, "").size(), 4U);  // a device that a new one does not have
  own["/proc/sys/net/ipv4/ip_default_ttl"] = "77";
  EXPECT_EQ(differences(own, of_new, "eth0").size(), 1U);
  own["/proc/sys/net/ipv4/conf/all/forwarding"] = "1";
  EXPECT_EQ(differences(own, of_new, "eth0").size(), 5U);
}

}  // namespace
}  // namespace appshot::networks
