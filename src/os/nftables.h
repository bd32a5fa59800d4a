// nf_tables, the kernel's packet filter, spoken to by netlink: transactions of tables, chains,
// rules, sets and their elements. Only what this project's rules need; the library for it cannot be
// linked statically.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "os/netlink.h"

namespace appshot::nft {

// A rule's expressions, evaluated from the first on until one says no. Registers are of 4 bytes,
// numbered from 0 to 15; longer values take several in a row.
class Rule {
 public:
  Rule& meta(uint32_t key, unsigned to);                                       // NFT_META_*
  Rule& connection(uint32_t key, unsigned to);                                 // NFT_CT_*
  Rule& payload(uint32_t base, uint32_t offset, uint32_t bytes, unsigned to);  // NFT_PAYLOAD_*
  // The kind of the packet's destination here: RTN_LOCAL …
  Rule& destination_kind(unsigned to);
  Rule& mask(unsigned reg, std::span<const uint8_t> mask);
  Rule& compare(unsigned reg, uint32_t how, std::span<const uint8_t> with);  // NFT_CMP_*
  // No when the set does not hold what begins at `key`; of a map, its value goes to `to`.
  Rule& lookup(const std::string& set, unsigned key);
  Rule& lookup(const std::string& map, unsigned key, unsigned to);
  Rule& load(unsigned to, std::span<const uint8_t> value);
  // NFT_NAT_*. `port`: the register of it, or none.
  Rule& translate(uint32_t kind, int family, unsigned address);
  Rule& translate(uint32_t kind, int family, unsigned address, unsigned port);
  Rule& masquerade();
  Rule& verdict(int32_t code, const std::string& chain = "");  // NF_DROP, NFT_JUMP …

  const std::vector<NetlinkMessage>& expressions() const { return expressions_; }

 private:
  Rule& add(const char* name, const std::function<void(NetlinkMessage&)>& data);
  std::vector<NetlinkMessage> expressions_;
};

struct BaseChain {
  std::string name;
  std::string type;  // "nat", "filter"
  uint32_t hook = 0;
  int32_t priority = 0;
};

// The kernel cares for lengths alone; types are numbered as nft(8) does, which prints by them.
struct SetField {
  uint32_t type = 0;
  uint32_t bytes = 0;
};
// `value.bytes` of 0: a set, not a map.
struct Set {
  std::string name;
  SetField key{};
  SetField value{};
};

// All of it takes effect at one moment, or nothing.
class Transaction {
 public:
  explicit Transaction(std::string table) : table_(std::move(table)) {}

  Transaction& add_table();
  Transaction& delete_table();
  Transaction& add_chain(const BaseChain& chain);
  Transaction& add_chain(const std::string& name);
  Transaction& add_set(const Set& set);
  Transaction& add_rule(const std::string& chain, const Rule& rule);
  Transaction& add_element(const std::string& set, std::span<const uint8_t> key,
                           std::span<const uint8_t> value = {});
  // They may be there already; no more at once than fit into 64 KiB.
  Transaction& put_elements(const std::string& set, std::span<const std::vector<uint8_t>> keys);
  Transaction& delete_element(const std::string& set, std::span<const uint8_t> key);

  // In the namespace of the socket, which is one of NETLINK_NETFILTER. `tolerated`: an errno that
  // is as good as success; what failed with it undoes the transaction all the same.
  Result<> commit(NetlinkSocket& socket, int tolerated = 0) const;
  const std::vector<NetlinkMessage>& messages() const { return messages_; }

 private:
  NetlinkMessage& message(uint16_t type, uint16_t flags, const std::string& what);
  Transaction& element(uint16_t type, uint16_t flags, const std::string& set,
                       std::span<const uint8_t> key, std::span<const uint8_t> value);

  std::string table_;
  std::vector<NetlinkMessage> messages_;
  uint32_t set_id_ = 0;
};

// The names of all tables that there are, of rules for both families.
Result<std::vector<std::string>> list_tables(NetlinkSocket& socket);

}  // namespace appshot::nft
