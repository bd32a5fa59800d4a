#include "os/nftables.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sched.h>
#include <sys/socket.h>

#include <map>
#include <thread>

namespace appshot::nft {
namespace {

using Bytes = std::vector<uint8_t>;

// A thread in a network namespace of its own, which goes with it.
void in_new_namespace(const std::function<void(NetlinkSocket&)>& body) {
  std::thread([&] {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    auto socket = NetlinkSocket::open(NETLINK_NETFILTER);
    ASSERT_TRUE(socket) << socket.error().message();
    body(*socket);
  }).join();
}

std::map<uint16_t, Bytes> attributes(std::span<const uint8_t> in) {
  std::map<uint16_t, Bytes> all;
  while (in.size() >= sizeof(nlattr)) {
    nlattr one;
    std::memcpy(&one, in.data(), sizeof one);
    all[one.nla_type & NLA_TYPE_MASK] = Bytes(in.begin() + NLA_HDRLEN, in.begin() + one.nla_len);
    in = in.subspan(std::min<size_t>(NLA_ALIGN(one.nla_len), in.size()));
  }
  return all;
}

std::vector<Bytes> elements(std::span<const uint8_t> in) {
  std::vector<Bytes> all;
  while (in.size() >= sizeof(nlattr)) {
    nlattr one;
    std::memcpy(&one, in.data(), sizeof one);
    all.emplace_back(in.begin() + NLA_HDRLEN, in.begin() + one.nla_len);
    in = in.subspan(std::min<size_t>(NLA_ALIGN(one.nla_len), in.size()));
  }
  return all;
}

struct Expression {
  std::string name;
  std::map<uint16_t, Bytes> data;
  uint32_t number(uint16_t type) const {
    uint32_t value = 0;
    std::memcpy(&value, data.at(type).data(), sizeof value);
    return ntohl(value);
  }
};

// The kernel's rules of a table, in their order.
std::vector<std::vector<Expression>> rules_of(NetlinkSocket& socket, const std::string& table) {
  nfgenmsg request{};
  request.nfgen_family = NFPROTO_INET;
  std::vector<std::vector<Expression>> rules;
  auto listed =
      socket.list(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE,
                  {reinterpret_cast<const uint8_t*>(&request), sizeof request}, "rules",
                  [&](const NetlinkAnswer& answer) {
                    Bytes name = Bytes(answer.attribute(sizeof(nfgenmsg), NFTA_RULE_TABLE).begin(),
                                       answer.attribute(sizeof(nfgenmsg), NFTA_RULE_TABLE).end());
                    if (std::string(name.begin(), name.end() - 1) != table) return;
                    std::vector<Expression> rule;
                    for (const Bytes& one :
                         elements(answer.attribute(sizeof(nfgenmsg), NFTA_RULE_EXPRESSIONS))) {
                      auto parts = attributes(one);
                      const Bytes& text = parts[NFTA_EXPR_NAME];
                      rule.push_back({std::string(text.begin(), text.end() - 1),
                                      attributes(parts[NFTA_EXPR_DATA])});
                    }
                    rules.push_back(std::move(rule));
                  });
  EXPECT_TRUE(listed) << listed.error().message();
  return rules;
}

Transaction table_with_map() {
  Transaction all("t");
  all.add_table();
  all.add_chain("jumped");
  all.add_chain({"nat", "nat", NF_INET_PRE_ROUTING, -100});
  all.add_chain({"post", "nat", NF_INET_POST_ROUTING, 100});
  all.add_set({"map", {0, 8}, {0, 8}});
  all.add_set({"set", {0, 4}});
  return all;
}

TEST(Nftables, TheKernelHasWhatWasSent) {
  in_new_namespace([](NetlinkSocket& socket) {
    const Bytes address{127, 0, 0, 0};
    const Bytes mask{255, 0, 0, 0};
    Transaction all = table_with_map();
    all.add_rule("nat", Rule()
                            .meta(NFT_META_L4PROTO, 0)
                            .payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, 1)
                            .lookup("map", 0, 8)
                            .translate(NFT_NAT_DNAT, AF_INET, 8, 9));
    all.add_rule("nat", Rule()
                            .destination_kind(3)
                            .compare(3, NFT_CMP_EQ, Bytes{2, 0, 0, 0})
                            .verdict(NFT_JUMP, "jumped"));
    all.add_rule("nat", Rule().load(0, address).lookup("set", 0).verdict(NF_DROP));
    all.add_rule("post", Rule()
                             .payload(NFT_PAYLOAD_NETWORK_HEADER, 12, 4, 0)
                             .mask(0, mask)
                             .compare(0, NFT_CMP_NEQ, address)
                             .connection(NFT_CT_STATUS, 1)
                             .load(2, address)
                             .translate(NFT_NAT_SNAT, AF_INET, 2));
    all.add_rule("post", Rule().masquerade());
    const Bytes key{6, 0, 0, 0, 0, 80, 0, 0};
    all.add_element("map", key, key);
    Result<> sent = all.commit(socket);
    ASSERT_TRUE(sent) << sent.error().message();

    const auto rules = rules_of(socket, "t");
    std::vector<std::string> names;
    for (const auto& rule : rules) {
      names.emplace_back();
      for (const Expression& expression : rule) names.back() += expression.name + " ";
    }
    EXPECT_EQ(names, (std::vector<std::string>{"meta payload lookup nat ", "fib cmp immediate ",
                                               "immediate lookup immediate ",
                                               "payload bitwise cmp ct immediate nat ", "masq "}));
    const Expression& payload = rules[0][1];
    EXPECT_EQ(payload.number(NFTA_PAYLOAD_BASE), uint32_t{NFT_PAYLOAD_TRANSPORT_HEADER});
    EXPECT_EQ(payload.number(NFTA_PAYLOAD_OFFSET), 2U);
    EXPECT_EQ(payload.number(NFTA_PAYLOAD_LEN), 2U);
    EXPECT_EQ(payload.number(NFTA_PAYLOAD_DREG), uint32_t{NFT_REG32_01});
    EXPECT_EQ(rules[3][2].number(NFTA_CMP_OP), uint32_t{NFT_CMP_NEQ});
    EXPECT_EQ(attributes(rules[3][2].data.at(NFTA_CMP_DATA)).at(NFTA_DATA_VALUE), address);
    EXPECT_EQ(attributes(rules[3][1].data.at(NFTA_BITWISE_MASK)).at(NFTA_DATA_VALUE), mask);
    EXPECT_EQ(rules[3][5].number(NFTA_NAT_TYPE), uint32_t{NFT_NAT_SNAT});

    EXPECT_EQ(Transaction("t").add_element("map", key, key).commit(socket).error().err(), EEXIST);
    EXPECT_TRUE(Transaction("t").delete_element("map", key).commit(socket));
    EXPECT_EQ(Transaction("t").delete_element("map", key).commit(socket).error().err(), ENOENT);
    EXPECT_TRUE(Transaction("t").delete_table().commit(socket));
    EXPECT_TRUE(rules_of(socket, "t").empty());
  });
}

TEST(Nftables, AllOrNothing) {
  in_new_namespace([](NetlinkSocket& socket) {
    Transaction all = table_with_map();
    all.add_rule("nat", Rule().load(0, Bytes(4)).lookup("nowhere", 0).verdict(NF_DROP));
    Result<> sent = all.commit(socket);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().err(), ENOENT);
    EXPECT_NE(sent.error().message().find("a rule in chain nat"), std::string::npos)
        << sent.error().message();
    EXPECT_EQ(Transaction("t").delete_table().commit(socket).error().err(), ENOENT);
  });
}

}  // namespace
}  // namespace appshot::nft
