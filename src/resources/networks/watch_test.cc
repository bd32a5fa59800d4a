#include "resources/networks/watch.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "os/file.h"
#include "os/links.h"
#include "os/namespace_visit.h"
#include "resources/networks/devices.h"

namespace appshot::networks {
namespace {

constexpr uint16_t kMake = NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;

NetlinkMessage rule() {
  fib_rule_hdr rule{};
  rule.family = AF_INET;
  rule.table = RT_TABLE_MAIN;
  rule.action = FR_ACT_TO_TBL;
  return NetlinkMessage(RTM_NEWRULE, kMake, rule, "rule");
}

NetlinkMessage neighbour(int device, uint16_t state) {
  ndmsg neighbour{};
  neighbour.ndm_family = AF_INET;
  neighbour.ndm_ifindex = device;
  neighbour.ndm_state = state;
  NetlinkMessage message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, neighbour,
                         "neighbour");
  const std::array<uint8_t, 4> address{10, 1, 2, 9};
  const links::HardwareAddress hardware{2, 0, 0, 0, 0, 9};
  return message.add(NDA_DST, address).add(NDA_LLADDR, hardware);
}

NetlinkMessage queue(int device, std::string_view kind) {
  tcmsg queue{};
  queue.tcm_ifindex = device;
  queue.tcm_parent = TC_H_ROOT;
  queue.tcm_handle = 0x10000;
  NetlinkMessage message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, queue, "queue");
  return message.add(TCA_KIND, kind);
}

std::vector<NetlinkMessage> table_of_filters() {
  nfgenmsg edge{};
  edge.res_id = htons(NFNL_SUBSYS_NFTABLES);
  nfgenmsg fixed{};
  fixed.nfgen_family = NFPROTO_IPV4;
  NetlinkMessage table(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_ACK,
                       fixed, "table");
  table.add(NFTA_TABLE_NAME, std::string_view("t"));
  return {NetlinkMessage(NFNL_MSG_BATCH_BEGIN, 0, edge, "filters"), table,
          NetlinkMessage(NFNL_MSG_BATCH_END, 0, edge, "filters")};
}

// With a cable whose other end is in it, too.
class AWatchedNetwork : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    Result<NamespaceVisit> visit = NamespaceVisit::to("/proc/thread-self/ns/net", "net");
    ASSERT_TRUE(visit);
    home_.emplace(std::move(*visit));
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    // Else devices that come up are given addresses, some time later.
    ASSERT_TRUE(write_file("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1"));
    Result<NetlinkSocket> socket = NetlinkSocket::open(NETLINK_ROUTE);
    ASSERT_TRUE(socket);
    socket_.emplace(std::move(*socket));
    const UniqueFd here(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(socket_->change(links::new_cable("a", "b", here.get())));
    device_ = links::find(*socket_, "a")->index;
    Result<Watch> watch = Watch::begin();
    ASSERT_TRUE(watch) << watch.error().message();
    watch_.emplace(std::move(*watch));
  }

  void make(const NetlinkMessage& message) {
    Result<> made = socket_->change(message);
    ASSERT_TRUE(made) << made.error().message();
  }
  // Whether one change is seen, and not again when it is known.
  bool sees(std::span<const NetlinkMessage> messages, int protocol = NETLINK_ROUTE) {
    EXPECT_TRUE(watch_->settle());
    EXPECT_FALSE(watch_->may_have_changed());
    Result<NetlinkSocket> socket = NetlinkSocket::open(protocol);
    Result<> made = socket->change(messages);
    EXPECT_TRUE(made) << made.error().message();
    const bool seen = watch_->may_have_changed();
    EXPECT_EQ(watch_->may_have_changed(), seen);  // however often one asks
    EXPECT_TRUE(watch_->settle());
    EXPECT_FALSE(watch_->may_have_changed());
    return seen;
  }
  bool sees(const NetlinkMessage& message) { return sees({&message, 1}); }

  std::optional<NamespaceVisit> home_;
  std::optional<NetlinkSocket> socket_;
  std::optional<Watch> watch_;
  int device_ = 0;
};

NetlinkMessage of_somebody_else(NetlinkMessage address) {
  return address.number<uint8_t>(IFA_PROTO, 0);  // the last one counts
}

TEST_F(AWatchedNetwork, IsNotKnownBeforeItIsLookedAt) { EXPECT_TRUE(watch_->may_have_changed()); }

TEST_F(AWatchedNetwork, TellsOfAddressesThatAreNotOurs) {
  const NetlinkMessage ours = links::add_address(device_, *IpAddress::parse("10.1.2.3"));
  EXPECT_FALSE(sees(ours));
  EXPECT_TRUE(sees(of_somebody_else(links::add_address(device_, *IpAddress::parse("10.1.2.4")))));
  NetlinkMessage gone = NetlinkMessage::of_body(RTM_DELADDR, NLM_F_ACK, ours.body(), "address");
  EXPECT_TRUE(sees(gone));  // nobody but a program takes ours away
}

TEST_F(AWatchedNetwork, TellsOfDevicesWhatCanBeSet) {
  EXPECT_TRUE(sees(links::set_link(device_, {})));
  // The kernel has news of its own now, some of it later.
  const int other = links::find(*socket_, "b")->index;
  EXPECT_TRUE(sees(links::set_link(other, {})));
  make(links::settle_link(device_));
  EXPECT_FALSE(watch_->may_have_changed());
  EXPECT_FALSE(sees(links::set_link(device_, {})));  // it is so already
  const links::HardwareAddress hardware{2, 0, 0, 0, 0, 7};
  EXPECT_TRUE(sees(links::set_link(device_, {.hardware_address = &hardware})));
  EXPECT_TRUE(sees(links::delete_link(device_)));
}

TEST_F(AWatchedNetwork, TellsOfRules) { EXPECT_TRUE(sees(rule())); }

TEST_F(AWatchedNetwork, TellsOfNeighboursThatWereConfigured) {
  make(links::set_link(device_, {}));
  EXPECT_FALSE(sees(neighbour(device_, NUD_STALE)));
  EXPECT_TRUE(sees(neighbour(device_, NUD_PERMANENT)));
}

TEST_F(AWatchedNetwork, TellsOfRoutesThatAreNotOurs) {
  make(links::set_link(device_, {}));
  links::Route route{.to = *IpNetwork::parse("10.9.0.0/16"), .index = device_};
  EXPECT_FALSE(sees(links::add_route(route)));
  EXPECT_TRUE(sees(links::delete_route(route)));
}

TEST_F(AWatchedNetwork, DoesNotTellThatItWasMuted) {
  make(links::set_link(device_, {}));
  EXPECT_FALSE(sees(links::drop_all(device_)));
  EXPECT_FALSE(sees(links::undo_drop_all(device_)));
  EXPECT_TRUE(sees(queue(device_, "pfifo")));
}

TEST_F(AWatchedNetwork, TellsOfPacketFilters) {
  EXPECT_TRUE(sees(table_of_filters(), NETLINK_NETFILTER));
}

// Then what they were is not known, only that there were some.
TEST_F(AWatchedNetwork, TellsThatThereWasTooMuchToTell) {
  ASSERT_TRUE(watch_->settle());
  const IpAddress address = *IpAddress::parse("10.1.2.3");
  const NetlinkMessage ours = links::add_address(device_, address);
  const NetlinkMessage gone =
      NetlinkMessage::of_body(RTM_DELADDR, NLM_F_ACK, ours.body(), "address");
  for (int i = 0; i < 2000; ++i) {
    make(ours);
    make(gone);
  }
  EXPECT_TRUE(watch_->may_have_changed());
  const links::HardwareAddress hardware{2, 0, 0, 0, 0, 7};
  make(links::set_link(device_, {.hardware_address = &hardware}));
  ASSERT_TRUE(watch_->settle());
  EXPECT_FALSE(sees(links::set_link(device_, {.hardware_address = &hardware})));
}

}  // namespace
}  // namespace appshot::networks
