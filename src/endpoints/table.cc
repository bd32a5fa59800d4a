#include "endpoints/table.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include <charconv>
#include <vector>

namespace appshot {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr char kPublish[] = "publish";
// As nft(8) numbers them.
constexpr uint32_t kTypeV4 = 7, kTypeV6 = 8, kTypeProtocol = 12, kTypePort = 13;
constexpr uint32_t then(uint32_t first, uint32_t second) { return first << 6 | second; }
constexpr uint32_t kPortOffset = 2;  // of the destination, in TCP and UDP

template <typename T>
Bytes bytes_of(T value) {
  const auto* at = reinterpret_cast<const uint8_t*>(&value);
  return Bytes(at, at + sizeof value);
}

Bytes bytes_of(const IpAddress& address) {
  return Bytes(address.bytes().begin(), address.bytes().end());
}

// A field of a concatenation is filled up to four bytes.
void append(Bytes& to, Bytes field) {
  field.resize((field.size() + 3) / 4 * 4);
  to.insert(to.end(), field.begin(), field.end());
}

Bytes mask_of(const IpNetwork& network) {
  Bytes mask(network.address.bytes().size());
  for (size_t i = 0; i < network.bits; ++i)
    mask[i / 8] = static_cast<uint8_t>(mask[i / 8] | 0x80 >> (i % 8));
  return mask;
}

// The rules for one of the two families.
struct Family {
  int number;
  uint8_t protocol;  // NFPROTO_*
  uint32_t source_at, destination_at, address_bytes;
  uint32_t address_type;
  const char* ports;     // of every address
  const char* ports_at;  // of one

  unsigned words() const { return address_bytes / 4; }

  nft::Rule begin() const {
    return nft::Rule().meta(NFT_META_NFPROTO, 0).compare(0, NFT_CMP_EQ, bytes_of(protocol));
  }
  nft::Rule& source(nft::Rule& rule, const IpNetwork& network, uint32_t how = NFT_CMP_EQ) const {
    return match(rule, source_at, network, how);
  }
  nft::Rule& destination(nft::Rule& rule, const IpNetwork& network,
                         uint32_t how = NFT_CMP_EQ) const {
    return match(rule, destination_at, network, how);
  }
  nft::Rule& match(nft::Rule& rule, uint32_t at, const IpNetwork& network, uint32_t how) const {
    rule.payload(NFT_PAYLOAD_NETWORK_HEADER, at, address_bytes, 0);
    rule.mask(0, mask_of(network));
    return rule.compare(0, how, bytes_of(network.address));
  }
  nft::Rule& in_name_of(nft::Rule& rule, const IpAddress& node) const {
    return rule.load(0, bytes_of(node)).translate(NFT_NAT_SNAT, number, 0);
  }

  void add_sets(nft::Transaction& all) const {
    const nft::SetField target{then(address_type, kTypePort), address_bytes + 4};
    all.add_set({ports, {then(kTypeProtocol, kTypePort), 8}, target});
    all.add_set({ports_at,
                 {then(then(kTypeProtocol, address_type), kTypePort), address_bytes + 8},
                 target});
  }

  // To where the maps say; the more exact is asked first.
  void add_publishing(nft::Transaction& all) const {
    const unsigned target = 8;
    nft::Rule exact = begin();
    exact.meta(NFT_META_L4PROTO, 0)
        .payload(NFT_PAYLOAD_NETWORK_HEADER, destination_at, address_bytes, 1)
        .payload(NFT_PAYLOAD_TRANSPORT_HEADER, kPortOffset, sizeof(in_port_t), 1 + words())
        .lookup(ports_at, 0, target)
        .translate(NFT_NAT_DNAT, number, target, target + words());
    nft::Rule any = begin();
    any.meta(NFT_META_L4PROTO, 0)
        .payload(NFT_PAYLOAD_TRANSPORT_HEADER, kPortOffset, sizeof(in_port_t), 1)
        .lookup(ports, 0, target)
        .translate(NFT_NAT_DNAT, number, target, target + words());
    all.add_rule(kPublish, exact).add_rule(kPublish, any);
  }
};

constexpr Family kV4{AF_INET, NFPROTO_IPV4, 12, 16, 4, kTypeV4, "ports4", "ports4at"};
constexpr Family kV6{AF_INET6, NFPROTO_IPV6, 8, 24, 16, kTypeV6, "ports6", "ports6at"};

// Of those that were led to an instance, nobody may learn a name that only the node can answer to:
// its loopback's, and an instance's own when it has asked for itself.
void add_returning(nft::Transaction& all, const Family& family, const IpNetwork& loopback,
                   const IpNetwork& part, const IpAddress& node) {
  nft::Rule from_loopback = family.begin();
  family.source(from_loopback, loopback);
  family.destination(from_loopback, part);
  family.in_name_of(from_loopback, node);
  nft::Rule from_instance = family.begin();
  family.source(from_instance, part);
  family.destination(from_instance, part);
  from_instance.connection(NFT_CT_STATUS, 0)
      .mask(0, bytes_of<uint32_t>(IPS_DST_NAT))
      .compare(0, NFT_CMP_NEQ, bytes_of<uint32_t>(0));
  family.in_name_of(from_instance, node);
  all.add_rule("postrouting", from_loopback).add_rule("postrouting", from_instance);
}

const Family& family_of(const IpAddress& address) { return address.is_v4() ? kV4 : kV6; }

struct Entry {
  const char* map;
  Bytes key, value;
};

// In every family in which the port is asked for.
std::vector<Entry> entries_of(const PublishedPort& port, const EndpointAddresses& instance) {
  std::vector<Entry> entries;
  for (const IpAddress& address : {instance.v4, instance.v6}) {
    if (!address || (port.at && port.at.family() != address.family())) continue;
    const Family& family = family_of(address);
    Entry entry{port.at ? family.ports_at : family.ports, {}, {}};
    append(entry.key, bytes_of(static_cast<uint8_t>(port.udp ? IPPROTO_UDP : IPPROTO_TCP)));
    if (port.at) append(entry.key, bytes_of(port.at));
    append(entry.key, bytes_of(htons(port.port)));
    append(entry.value, bytes_of(address));
    append(entry.value, bytes_of(htons(port.inside)));
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace

nft::Transaction NodeTable::make() const {
  const IpNetwork loopback_v4{IpAddress::v4(INADDR_LOOPBACK & 0xff000000), 8};
  const IpNetwork loopback_v6{IpAddress::v6(in6addr_loopback), 128};
  nft::Transaction all(name);
  all.add_table().delete_table().add_table();
  all.add_chain(kPublish);
  all.add_chain({"guard", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW});
  all.add_chain({"prerouting", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST});
  all.add_chain({"output", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST});
  all.add_chain({"postrouting", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC});
  for (const Family* family : {&kV4, &kV6}) {
    family->add_sets(all);
    family->add_publishing(all);
  }
  for (const char* chain : {"prerouting", "output"})
    all.add_rule(chain, nft::Rule()
                            .destination_kind(0)
                            .compare(0, NFT_CMP_EQ, bytes_of<uint32_t>(RTN_LOCAL))
                            .verdict(NFT_JUMP, kPublish));
  // Cables may carry what comes from and goes to the node's loopback; instances must not ask for
  // it.
  nft::Rule no_loopback = kV4.begin();
  kV4.source(no_loopback, range.part);
  kV4.destination(no_loopback, loopback_v4);
  all.add_rule("guard", no_loopback.verdict(NF_DROP));
  add_returning(all, kV4, loopback_v4, range.part, range.node_address());
  add_returning(all, kV6, loopback_v6, range.part_v6(), v6_of(range.node_address()));
  nft::Rule to_world = kV4.begin();
  kV4.source(to_world, range.part);
  kV4.destination(to_world, range.whole, NFT_CMP_NEQ);
  return all.add_rule("postrouting", to_world.masquerade());
}

nft::Transaction NodeTable::remove() const { return nft::Transaction(name).delete_table(); }

nft::Transaction NodeTable::publish(std::span<const PublishedPort> ports,
                                    const EndpointAddresses& instance) const {
  nft::Transaction all(name);
  for (const PublishedPort& port : ports)
    for (const Entry& entry : entries_of(port, instance))
      all.add_element(entry.map, entry.key, entry.value);
  return all;
}

nft::Transaction NodeTable::withdraw(std::span<const PublishedPort> ports,
                                     const EndpointAddresses& instance) const {
  nft::Transaction all(name);
  for (const PublishedPort& port : ports)
    for (const Entry& entry : entries_of(port, instance)) all.delete_element(entry.map, entry.key);
  return all;
}

namespace {

bool read_port(std::string_view text, uint16_t& port) {
  auto [stopped, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
  return failed == std::errc() && stopped == text.data() + text.size();
}

}  // namespace

Result<PublishedPort> PublishedPort::parse(const std::string& given) {
  const Error wrong =
      Error(ErrorClass::usage, "-p " + given + ": not [ADDRESS:]PORT:PORT[/udp]")
          .hint("-p 8080:80, -p 127.0.0.1:8080:80, -p [::1]:8080:80, -p 53:53/udp, -p 0:80");
  PublishedPort port;
  std::string text = given;
  if (const size_t slash = text.rfind('/'); slash != std::string::npos) {
    const std::string protocol = text.substr(slash + 1);
    if (protocol != "udp" && protocol != "tcp") return wrong;
    port.udp = protocol == "udp";
    text.resize(slash);
  }
  const size_t last = text.rfind(':');
  if (last == std::string::npos ||
      !read_port(std::string_view(text).substr(last + 1), port.inside) || port.inside == 0)
    return wrong;
  text.resize(last);
  const size_t before = text.rfind(':');
  if (!read_port(std::string_view(text).substr(before + 1), port.port)) return wrong;
  if (before == std::string::npos) return port;
  text.resize(before);
  if (text.size() > 2 && text.front() == '[' && text.back() == ']')
    text = text.substr(1, text.size() - 2);
  std::optional<IpAddress> address = IpAddress::parse(text);
  if (!address) return wrong;
  const bool every = *address == IpAddress::v4(0) || *address == IpAddress::v6(in6addr_any);
  if (!every) port.at = *address;
  return port;
}

std::string PublishedPort::text() const {
  std::string text;
  if (at) text = (at.is_v4() ? at.text() : "[" + at.text() + "]") + ":";
  return text + std::to_string(port) + ":" + std::to_string(inside) + (udp ? "/udp" : "");
}

}  // namespace appshot
