#include "resources/networks/filters.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <tuple>

#include "os/nftables.h"

namespace appshot::networks {
namespace {

constexpr uint16_t of_tables(int message) {
  return static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | message);
}

// A list, and what of each can be told: numbers and counts of uses are the kernel's.
struct Part {
  const char* words;
  uint16_t make, list;
  std::vector<uint16_t> attributes;
};

const Part kTables{"table of packet filters",
                   of_tables(NFT_MSG_NEWTABLE),
                   of_tables(NFT_MSG_GETTABLE),
                   {NFTA_TABLE_NAME, NFTA_TABLE_FLAGS, NFTA_TABLE_USERDATA}};
const Part kChains{"chain of packet filters",
                   of_tables(NFT_MSG_NEWCHAIN),
                   of_tables(NFT_MSG_GETCHAIN),
                   {NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, NFTA_CHAIN_HOOK, NFTA_CHAIN_POLICY,
                    NFTA_CHAIN_TYPE, NFTA_CHAIN_COUNTERS, NFTA_CHAIN_FLAGS, NFTA_CHAIN_USERDATA}};
const Part kObjects{
    "named object of packet filters",
    of_tables(NFT_MSG_NEWOBJ),
    of_tables(NFT_MSG_GETOBJ),
    {NFTA_OBJ_TABLE, NFTA_OBJ_NAME, NFTA_OBJ_TYPE, NFTA_OBJ_DATA, NFTA_OBJ_USERDATA}};
const Part kFlowTables{
    "flow table",
    of_tables(NFT_MSG_NEWFLOWTABLE),
    of_tables(NFT_MSG_GETFLOWTABLE),
    {NFTA_FLOWTABLE_TABLE, NFTA_FLOWTABLE_NAME, NFTA_FLOWTABLE_HOOK, NFTA_FLOWTABLE_FLAGS}};
const Part kSets{"set of packet filters",
                 of_tables(NFT_MSG_NEWSET),
                 of_tables(NFT_MSG_GETSET),
                 {NFTA_SET_TABLE, NFTA_SET_NAME, NFTA_SET_FLAGS, NFTA_SET_KEY_TYPE,
                  NFTA_SET_KEY_LEN, NFTA_SET_DATA_TYPE, NFTA_SET_DATA_LEN, NFTA_SET_POLICY,
                  NFTA_SET_DESC, NFTA_SET_TIMEOUT, NFTA_SET_GC_INTERVAL, NFTA_SET_USERDATA,
                  NFTA_SET_OBJ_TYPE, NFTA_SET_EXPR, NFTA_SET_EXPRESSIONS}};
const Part kElements{
    "elements of a set of packet filters",
    of_tables(NFT_MSG_NEWSETELEM),
    of_tables(NFT_MSG_GETSETELEM),
    {NFTA_SET_ELEM_LIST_TABLE, NFTA_SET_ELEM_LIST_SET, NFTA_SET_ELEM_LIST_ELEMENTS}};
const Part kRules{"rule of packet filters",
                  of_tables(NFT_MSG_NEWRULE),
                  of_tables(NFT_MSG_GETRULE),
                  {NFTA_RULE_TABLE, NFTA_RULE_CHAIN, NFTA_RULE_EXPRESSIONS, NFTA_RULE_COMPAT,
                   NFTA_RULE_USERDATA}};

// What one of them names stands before it.
const Part* const kParts[] = {&kTables, &kObjects,  &kFlowTables, &kChains,
                              &kSets,   &kElements, &kRules};

nfgenmsg fixed(uint8_t family) {
  nfgenmsg fixed{};
  fixed.nfgen_family = family;
  fixed.version = NFNETLINK_V0;
  return fixed;
}

NetlinkAttributes attributes_of(const Object& object) {
  const std::span<const uint8_t> all = object.body;
  return NetlinkAttributes(all.subspan(std::min(all.size(), sizeof(nfgenmsg))));
}

uint8_t family_of(const Object& object) { return fixed_part<nfgenmsg>(object).nfgen_family; }

Result<> list_part(NetlinkSocket& socket, const Part& part, const NetlinkMessage& request,
                   std::vector<Object>& into) {
  return socket.list(part.list, request.body(), part.words, [&](const NetlinkAnswer& answer) {
    const auto told = answer.fixed<nfgenmsg>();
    NetlinkMessage kept(part.make, 0, fixed(told.nfgen_family), part.words);
    for (uint16_t attribute : part.attributes) {
      const auto value = answer.attribute(sizeof told, attribute);
      if (value.data() != nullptr) kept.add(attribute, value);
    }
    into.push_back({part.make, {kept.body().begin(), kept.body().end()}});
  });
}

// Those of each set are asked for by its name.
Result<> list_elements(NetlinkSocket& socket, const Object& set, std::vector<Object>& into) {
  const NetlinkAttributes named = attributes_of(set);
  NetlinkMessage request(kElements.list, 0, fixed(family_of(set)), kElements.words);
  request.add(NFTA_SET_ELEM_LIST_TABLE, named.find(NFTA_SET_TABLE))
      .add(NFTA_SET_ELEM_LIST_SET, named.find(NFTA_SET_NAME));
  std::vector<Object> elements;
  TRY(list_part(socket, kElements, request, elements));
  std::erase_if(elements, [](const Object& object) {
    return attributes_of(object).find(NFTA_SET_ELEM_LIST_ELEMENTS).empty();
  });
  into.insert(into.end(), elements.begin(), elements.end());
  return {};
}

// A chain without a name of its own belongs to the rule that leads to it (jump { … }), and takes no
// rules when that is there: its own come first.
void put_bound_first(std::vector<Object>& all) {
  using Name = std::tuple<uint8_t, std::string, std::string>;
  auto name_of = [](const Object& object, uint16_t table, uint16_t chain) {
    const NetlinkAttributes named = attributes_of(object);
    return Name{family_of(object), named.text(table), named.text(chain)};
  };
  std::set<Name> bound;
  for (const Object& object : all)
    if (object.type == kChains.make &&
        (ntohl(attributes_of(object).number<uint32_t>(NFTA_CHAIN_FLAGS)) & NFT_CHAIN_BINDING) != 0)
      bound.insert(name_of(object, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME));
  std::stable_partition(all.begin(), all.end(), [&](const Object& object) {
    return object.type != kRules.make ||
           bound.contains(name_of(object, NFTA_RULE_TABLE, NFTA_RULE_CHAIN));
  });
}

const Part* part_of(const Object& object) {
  auto found = std::ranges::find(kParts, object.type, [](const Part* part) { return part->make; });
  return found == std::end(kParts) ? nullptr : *found;
}

NetlinkMessage edge(uint16_t type) {
  nfgenmsg fixed{};
  fixed.version = NFNETLINK_V0;
  fixed.res_id = htons(NFNL_SUBSYS_NFTABLES);
  return NetlinkMessage(type, 0, fixed, "packet filters");
}

// Nothing: this kernel knows no filters.
Result<std::optional<NetlinkSocket>> open_if_there() {
  auto is_unknown = [](const Error& error) {
    return error.err() == EPROTONOSUPPORT || error.err() == EINVAL || error.err() == EOPNOTSUPP;
  };
  Result<NetlinkSocket> socket = NetlinkSocket::open(NETLINK_NETFILTER);
  if (!socket && is_unknown(socket.error())) return std::optional<NetlinkSocket>();
  NetlinkSocket opened = TRY(std::move(socket));
  const NetlinkMessage everything(kTables.list, 0, fixed(NFPROTO_UNSPEC), kTables.words);
  Result<> listed =
      opened.list(kTables.list, everything.body(), kTables.words, [](const NetlinkAnswer&) {});
  if (!listed && is_unknown(listed.error())) return std::optional<NetlinkSocket>();
  TRY(std::move(listed));
  return std::optional<NetlinkSocket>(std::move(opened));
}

}  // namespace

Result<std::vector<Object>> list_filters() {
  std::optional<NetlinkSocket> opened = TRY(open_if_there());
  std::vector<Object> all;
  if (!opened) return all;
  NetlinkSocket& socket = *opened;
  for (const Part* part : kParts) {
    const NetlinkMessage everything(part->list, 0, fixed(NFPROTO_UNSPEC), part->words);
    if (part == &kElements) {
      const std::vector<Object> so_far = all;
      for (const Object& set : so_far)
        if (set.type == kSets.make) TRY(list_elements(socket, set, all));
    } else {
      TRY(list_part(socket, *part, everything, all));
    }
    if (all.empty()) return all;  // no table
  }
  put_bound_first(all);
  return all;
}

Result<std::string> obstacle_of_filters() {
  std::optional<NetlinkSocket> socket = TRY(open_if_there());
  std::string why;
  if (!socket) return why;
  TRY(socket->list(kTables.list, NetlinkMessage(0, 0, fixed(NFPROTO_UNSPEC), "").body(),
                   kTables.words, [&](const NetlinkAnswer& answer) {
                     if (!answer.attribute(sizeof(nfgenmsg), NFTA_TABLE_OWNER).empty())
                       why =
                           "a table of packet filters that goes with the program that has made it";
                   }));
  return why;
}

Result<> make_filters(NetlinkSocket& socket, const std::vector<Object>& filters) {
  if (filters.empty()) return {};
  TRY(socket.take_large());
  std::vector<NetlinkMessage> all{edge(NFNL_MSG_BATCH_BEGIN)};
  uint32_t sets = 0;
  for (size_t i = 0; i < filters.size(); ++i) {
    const Object& filter = filters[i];
    const Part* part = part_of(filter);
    if (part == nullptr) return Error(ErrorClass::corrupt, "the image holds an unknown filter");
    uint16_t flags = NLM_F_CREATE;
    if (part == &kRules) flags |= NLM_F_APPEND;
    if (i + 1 == filters.size()) flags |= NLM_F_ACK;  // one answer for all
    all.push_back(NetlinkMessage::of_body(filter.type, flags, filter.body, part->words));
    if (part == &kSets) all.back().number<uint32_t>(NFTA_SET_ID, htonl(++sets));
  }
  all.push_back(edge(NFNL_MSG_BATCH_END));
  return socket.change(all);
}

}  // namespace appshot::networks
