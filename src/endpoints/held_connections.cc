#include "endpoints/held_connections.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <limits>
#include <map>
#include <span>

#include "endpoints/addresses.h"
#include "os/nftables.h"

namespace appshot {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr char kChain[] = "output";
constexpr char kPorts[] = "ports";  // of every address
// Before whatever of the host's may change names there.
constexpr int32_t kPriority = std::numeric_limits<int32_t>::min();
constexpr size_t kElementsAtOnce = 500;  // that fit into one message

// As nft(8) numbers them.
constexpr uint32_t kTypeV4 = 7, kTypeV6 = 8, kTypePort = 13;
constexpr uint32_t then(uint32_t first, uint32_t second) { return first << 6 | second; }
constexpr uint32_t kSourcePortAt = 0, kDestinationPortAt = 2, kFlagsAt = 13;

Bytes one(uint8_t byte) { return {byte}; }

struct Family {
  uint8_t protocol;  // NFPROTO_*
  uint32_t source_at, destination_at, address_bytes;
  uint32_t address_type;
  const char* connections;
  const char* names;  // of who listens at one address

  unsigned words() const { return address_bytes / 4; }

  void add_sets(nft::Transaction& all) const {
    const uint32_t end_type = then(address_type, kTypePort), end_bytes = address_bytes + 4;
    all.add_set({names, {end_type, end_bytes}});
    all.add_set({connections, {then(then(end_type, address_type), kTypePort), 2 * end_bytes}});
  }
  nft::Rule begin() const {
    return nft::Rule()
        .meta(NFT_META_NFPROTO, 0)
        .compare(0, NFT_CMP_EQ, one(protocol))
        .meta(NFT_META_L4PROTO, 0)
        .compare(0, NFT_CMP_EQ, one(IPPROTO_TCP));
  }
  nft::Rule& load_source(nft::Rule& rule) const {
    return rule.payload(NFT_PAYLOAD_NETWORK_HEADER, source_at, address_bytes, 0)
        .payload(NFT_PAYLOAD_TRANSPORT_HEADER, kSourcePortAt, sizeof(in_port_t), words());
  }
  void add_rules(nft::Transaction& all) const {
    nft::Rule connection = begin();
    load_source(connection)
        .payload(NFT_PAYLOAD_NETWORK_HEADER, destination_at, address_bytes, words() + 1)
        .payload(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPortAt, sizeof(in_port_t),
                 2 * words() + 1)
        .lookup(connections, 0)
        .verdict(NF_DROP);
    nft::Rule refusal = begin();
    refusal.payload(NFT_PAYLOAD_TRANSPORT_HEADER, kFlagsAt, 1, 0)
        .mask(0, one(TH_RST))
        .compare(0, NFT_CMP_NEQ, one(0));
    nft::Rule of_every = refusal;
    of_every.payload(NFT_PAYLOAD_TRANSPORT_HEADER, kSourcePortAt, sizeof(in_port_t), 0)
        .lookup(kPorts, 0)
        .verdict(NF_DROP);
    load_source(refusal).lookup(names, 0).verdict(NF_DROP);
    all.add_rule(kChain, connection).add_rule(kChain, refusal).add_rule(kChain, of_every);
  }
};

constexpr Family kV4{NFPROTO_IPV4, 12, 16, 4, kTypeV4, "connections4", "names4"};
constexpr Family kV6{NFPROTO_IPV6, 8, 24, 16, kTypeV6, "connections6", "names6"};
const Family& family_of(const IpAddress& address) { return address.is_v4() ? kV4 : kV6; }

nft::Transaction table_with_rules(const std::string& name) {
  nft::Transaction all(name);
  all.add_table().delete_table().add_table();
  all.add_chain({kChain, "filter", NF_INET_LOCAL_OUT, kPriority});
  all.add_set({kPorts, {kTypePort, sizeof(in_port_t)}});
  for (const Family* family : {&kV4, &kV6}) {
    family->add_sets(all);
    family->add_rules(all);
  }
  return all;
}

void append_port(Bytes& to, uint16_t port) {
  to.push_back(static_cast<uint8_t>(port >> 8));
  to.push_back(static_cast<uint8_t>(port));
}

// A field of a concatenation is filled up to four bytes.
void append(Bytes& to, const TcpEnd& end) {
  to.insert(to.end(), end.address.bytes().begin(), end.address.bytes().end());
  append_port(to, end.port);
  to.resize(to.size() + 2);
}

using Elements = std::map<const char*, std::vector<Bytes>>;  // by set

Elements elements_of(const HeldTcp& what) {
  Elements all;
  for (const TcpNames& names : what.connections) {
    Bytes& key = all[family_of(names.own.address).connections].emplace_back();
    append(key, names.own);
    append(key, names.peer);
  }
  for (const TcpEnd& listener : what.listeners)
    if (listener.address)
      append(all[family_of(listener.address).names].emplace_back(), listener);
    else
      append_port(all[kPorts].emplace_back(), listener.port);
  return all;
}

}  // namespace

HeldConnections::HeldConnections(const std::string& state_dir)
    : prefix_(table_name_of(identity_of(state_dir)) + "-held-") {}

std::string HeldConnections::table_of(const Holder& holder) const {
  return prefix_ + holder.snapshot + "-" + holder.aid;
}

Result<> HeldConnections::hold(const Holder& holder, const HeldTcp& what) const {
  NetlinkSocket kernel = TRY(NetlinkSocket::open(NETLINK_NETFILTER));
  const std::string table = table_of(holder);
  bool is_there = false;
  for (const Holder& other : TRY(holders())) is_there = is_there || other == holder;
  if (!is_there) TRY(table_with_rules(table).commit(kernel));
  for (const auto& [set, keys] : elements_of(what))
    for (std::span<const Bytes> left(keys); !left.empty();) {
      const auto now = left.first(std::min(left.size(), kElementsAtOnce));
      TRY(nft::Transaction(table).put_elements(set, now).commit(kernel));
      left = left.subspan(now.size());
    }
  return {};
}

Result<std::vector<HeldConnections::Holder>> HeldConnections::holders() const {
  NetlinkSocket kernel = TRY(NetlinkSocket::open(NETLINK_NETFILTER));
  std::vector<Holder> all;
  for (const std::string& table : TRY(nft::list_tables(kernel))) {
    if (!table.starts_with(prefix_)) continue;
    const std::string rest = table.substr(prefix_.size());
    const size_t dash = rest.find('-');  // there is none in the id of a snapshot
    if (dash != std::string::npos) all.push_back({rest.substr(0, dash), rest.substr(dash + 1)});
  }
  return all;
}

Result<> HeldConnections::let_go(std::string Holder::*of, const std::string& id) const {
  NetlinkSocket kernel = TRY(NetlinkSocket::open(NETLINK_NETFILTER));
  for (const Holder& holder : TRY(holders()))
    if (holder.*of == id)
      TRY(nft::Transaction(table_of(holder)).delete_table().commit(kernel, ENOENT));
  return {};
}

Result<> HeldConnections::let_go_of_snapshot(const std::string& snapshot) const {
  return let_go(&Holder::snapshot, snapshot);
}
Result<> HeldConnections::let_go_of_instance(const std::string& aid) const {
  return let_go(&Holder::aid, aid);
}

}  // namespace appshot
