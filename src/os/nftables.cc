#include "os/nftables.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

namespace appshot::nft {
namespace {

constexpr uint16_t kMake = NLM_F_CREATE | NLM_F_ACK;

// Everything in these messages is in the network's order.
void big(NetlinkMessage& message, uint16_t type, uint32_t value) {
  message.number<uint32_t>(type, htonl(value));
}

uint32_t numbered(unsigned reg) { return NFT_REG32_00 + reg; }

void value(NetlinkMessage& message, uint16_t type, std::span<const uint8_t> bytes) {
  message.nest(type, [&](NetlinkMessage& data) { data.add(NFTA_DATA_VALUE, bytes); });
}

NetlinkMessage fragment() { return NetlinkMessage(0, 0, nfgenmsg{}, ""); }

NetlinkMessage edge(uint16_t type) {
  nfgenmsg fixed{};
  fixed.version = NFNETLINK_V0;
  fixed.res_id = htons(NFNL_SUBSYS_NFTABLES);
  return NetlinkMessage(type, 0, fixed, "transaction of nf_tables");
}

}  // namespace

// Each is kept as a message of its own; only what is behind the fixed part is sent.
Rule& Rule::add(const char* name, const std::function<void(NetlinkMessage&)>& data) {
  NetlinkMessage expression = fragment();
  expression.add(NFTA_EXPR_NAME, std::string_view(name));
  expression.nest(NFTA_EXPR_DATA, data);
  expressions_.push_back(std::move(expression));
  return *this;
}

Rule& Rule::meta(uint32_t key, unsigned to) {
  return add("meta", [&](NetlinkMessage& data) {
    big(data, NFTA_META_KEY, key);
    big(data, NFTA_META_DREG, numbered(to));
  });
}

Rule& Rule::connection(uint32_t key, unsigned to) {
  return add("ct", [&](NetlinkMessage& data) {
    big(data, NFTA_CT_KEY, key);
    big(data, NFTA_CT_DREG, numbered(to));
  });
}

Rule& Rule::payload(uint32_t base, uint32_t offset, uint32_t bytes, unsigned to) {
  return add("payload", [&](NetlinkMessage& data) {
    big(data, NFTA_PAYLOAD_DREG, numbered(to));
    big(data, NFTA_PAYLOAD_BASE, base);
    big(data, NFTA_PAYLOAD_OFFSET, offset);
    big(data, NFTA_PAYLOAD_LEN, bytes);
  });
}

Rule& Rule::destination_kind(unsigned to) {
  return add("fib", [&](NetlinkMessage& data) {
    big(data, NFTA_FIB_DREG, numbered(to));
    big(data, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
    big(data, NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
  });
}

Rule& Rule::mask(unsigned reg, std::span<const uint8_t> mask) {
  const std::vector<uint8_t> nothing(mask.size());
  return add("bitwise", [&](NetlinkMessage& data) {
    big(data, NFTA_BITWISE_SREG, numbered(reg));
    big(data, NFTA_BITWISE_DREG, numbered(reg));
    big(data, NFTA_BITWISE_LEN, static_cast<uint32_t>(mask.size()));
    value(data, NFTA_BITWISE_MASK, mask);
    value(data, NFTA_BITWISE_XOR, nothing);
  });
}

Rule& Rule::compare(unsigned reg, uint32_t how, std::span<const uint8_t> with) {
  return add("cmp", [&](NetlinkMessage& data) {
    big(data, NFTA_CMP_SREG, numbered(reg));
    big(data, NFTA_CMP_OP, how);
    value(data, NFTA_CMP_DATA, with);
  });
}

Rule& Rule::lookup(const std::string& set, unsigned key) {
  return add("lookup", [&](NetlinkMessage& data) {
    data.add(NFTA_LOOKUP_SET, set);
    big(data, NFTA_LOOKUP_SREG, numbered(key));
  });
}

Rule& Rule::lookup(const std::string& map, unsigned key, unsigned to) {
  return add("lookup", [&](NetlinkMessage& data) {
    data.add(NFTA_LOOKUP_SET, map);
    big(data, NFTA_LOOKUP_SREG, numbered(key));
    big(data, NFTA_LOOKUP_DREG, numbered(to));
  });
}

Rule& Rule::load(unsigned to, std::span<const uint8_t> bytes) {
  return add("immediate", [&](NetlinkMessage& data) {
    big(data, NFTA_IMMEDIATE_DREG, numbered(to));
    value(data, NFTA_IMMEDIATE_DATA, bytes);
  });
}

Rule& Rule::translate(uint32_t kind, int family, unsigned address) {
  return add("nat", [&](NetlinkMessage& data) {
    big(data, NFTA_NAT_TYPE, kind);
    big(data, NFTA_NAT_FAMILY, family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6);
    big(data, NFTA_NAT_REG_ADDR_MIN, numbered(address));
  });
}

Rule& Rule::translate(uint32_t kind, int family, unsigned address, unsigned port) {
  return add("nat", [&](NetlinkMessage& data) {
    big(data, NFTA_NAT_TYPE, kind);
    big(data, NFTA_NAT_FAMILY, family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6);
    big(data, NFTA_NAT_REG_ADDR_MIN, numbered(address));
    big(data, NFTA_NAT_REG_PROTO_MIN, numbered(port));
  });
}

Rule& Rule::masquerade() {
  return add("masq", [](NetlinkMessage&) {});
}

Rule& Rule::verdict(int32_t code, const std::string& chain) {
  return add("immediate", [&](NetlinkMessage& data) {
    big(data, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    data.nest(NFTA_IMMEDIATE_DATA, [&](NetlinkMessage& outer) {
      outer.nest(NFTA_DATA_VERDICT, [&](NetlinkMessage& inner) {
        big(inner, NFTA_VERDICT_CODE, static_cast<uint32_t>(code));
        if (!chain.empty()) inner.add(NFTA_VERDICT_CHAIN, chain);
      });
    });
  });
}

NetlinkMessage& Transaction::message(uint16_t type, uint16_t flags, const std::string& what) {
  nfgenmsg fixed{};
  fixed.nfgen_family = NFPROTO_INET;
  fixed.version = NFNETLINK_V0;
  messages_.emplace_back(static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type), flags, fixed,
                         what + " of the nf_tables table " + table_);
  return messages_.back();
}

Transaction& Transaction::add_table() {
  NetlinkMessage& table = message(NFT_MSG_NEWTABLE, kMake, "making");
  table.add(NFTA_TABLE_NAME, table_);
  big(table, NFTA_TABLE_FLAGS, 0);
  return *this;
}

Transaction& Transaction::delete_table() {
  message(NFT_MSG_DELTABLE, NLM_F_ACK, "removal").add(NFTA_TABLE_NAME, table_);
  return *this;
}

Transaction& Transaction::add_chain(const BaseChain& chain) {
  NetlinkMessage& made = message(NFT_MSG_NEWCHAIN, kMake, "chain " + chain.name);
  made.add(NFTA_CHAIN_TABLE, table_);
  made.add(NFTA_CHAIN_NAME, chain.name);
  made.nest(NFTA_CHAIN_HOOK, [&](NetlinkMessage& hook) {
    big(hook, NFTA_HOOK_HOOKNUM, chain.hook);
    big(hook, NFTA_HOOK_PRIORITY, static_cast<uint32_t>(chain.priority));
  });
  made.add(NFTA_CHAIN_TYPE, chain.type);
  return *this;
}

Transaction& Transaction::add_chain(const std::string& name) {
  NetlinkMessage& made = message(NFT_MSG_NEWCHAIN, kMake, "chain " + name);
  made.add(NFTA_CHAIN_TABLE, table_);
  made.add(NFTA_CHAIN_NAME, name);
  return *this;
}

Transaction& Transaction::add_set(const Set& set) {
  NetlinkMessage& made = message(NFT_MSG_NEWSET, kMake, "set " + set.name);
  made.add(NFTA_SET_TABLE, table_);
  made.add(NFTA_SET_NAME, set.name);
  big(made, NFTA_SET_ID, ++set_id_);
  big(made, NFTA_SET_FLAGS, set.value.bytes != 0 ? NFT_SET_MAP : 0);
  big(made, NFTA_SET_KEY_TYPE, set.key.type);
  big(made, NFTA_SET_KEY_LEN, set.key.bytes);
  if (set.value.bytes != 0) {
    big(made, NFTA_SET_DATA_TYPE, set.value.type);
    big(made, NFTA_SET_DATA_LEN, set.value.bytes);
  }
  return *this;
}

Transaction& Transaction::add_rule(const std::string& chain, const Rule& rule) {
  NetlinkMessage& made = message(NFT_MSG_NEWRULE, kMake | NLM_F_APPEND, "a rule in chain " + chain);
  made.add(NFTA_RULE_TABLE, table_);
  made.add(NFTA_RULE_CHAIN, chain);
  made.nest(NFTA_RULE_EXPRESSIONS, [&](NetlinkMessage& list) {
    for (const NetlinkMessage& expression : rule.expressions())
      list.add(NFTA_LIST_ELEM | NLA_F_NESTED, expression.body().subspan(sizeof(nfgenmsg)));
  });
  return *this;
}

Transaction& Transaction::element(uint16_t type, uint16_t flags, const std::string& set,
                                  std::span<const uint8_t> key, std::span<const uint8_t> to) {
  NetlinkMessage& made = message(type, flags, "an element of " + set);
  made.add(NFTA_SET_ELEM_LIST_TABLE, table_);
  made.add(NFTA_SET_ELEM_LIST_SET, set);
  made.nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&](NetlinkMessage& list) {
    list.nest(NFTA_LIST_ELEM, [&](NetlinkMessage& one) {
      value(one, NFTA_SET_ELEM_KEY, key);
      if (!to.empty()) value(one, NFTA_SET_ELEM_DATA, to);
    });
  });
  return *this;
}

Transaction& Transaction::add_element(const std::string& set, std::span<const uint8_t> key,
                                      std::span<const uint8_t> to) {
  return element(NFT_MSG_NEWSETELEM, kMake | NLM_F_EXCL, set, key, to);
}

Transaction& Transaction::put_elements(const std::string& set,
                                       std::span<const std::vector<uint8_t>> keys) {
  NetlinkMessage& made = message(NFT_MSG_NEWSETELEM, kMake, "elements of " + set);
  made.add(NFTA_SET_ELEM_LIST_TABLE, table_);
  made.add(NFTA_SET_ELEM_LIST_SET, set);
  made.nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&](NetlinkMessage& list) {
    for (const std::vector<uint8_t>& key : keys)
      list.nest(NFTA_LIST_ELEM, [&](NetlinkMessage& one) { value(one, NFTA_SET_ELEM_KEY, key); });
  });
  return *this;
}

Transaction& Transaction::delete_element(const std::string& set, std::span<const uint8_t> key) {
  return element(NFT_MSG_DELSETELEM, NLM_F_ACK, set, key, {});
}

Result<> Transaction::commit(NetlinkSocket& socket, int tolerated) const {
  if (messages_.empty()) return {};
  std::vector<NetlinkMessage> all{edge(NFNL_MSG_BATCH_BEGIN)};
  all.insert(all.end(), messages_.begin(), messages_.end());
  all.push_back(edge(NFNL_MSG_BATCH_END));
  return socket.change(all, tolerated);
}

Result<std::vector<std::string>> list_tables(NetlinkSocket& socket) {
  nfgenmsg request{};
  request.nfgen_family = NFPROTO_INET;
  request.version = NFNETLINK_V0;
  std::vector<std::string> names;
  TRY(socket.list(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE,
                  {reinterpret_cast<const uint8_t*>(&request), sizeof request},
                  "list of the tables of nf_tables", [&](const NetlinkAnswer& answer) {
                    const auto name = answer.attribute(sizeof request, NFTA_TABLE_NAME);
                    if (!name.empty())  // with a zero at its end
                      names.emplace_back(name.begin(), name.end() - 1);
                  }));
  return names;
}

}  // namespace appshot::nft
