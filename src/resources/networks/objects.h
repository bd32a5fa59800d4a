// What is configured in a network namespace beside its devices: addresses, neighbours, routes and
// rules. Each is a message as the kernel tells of it, without what merely counts or passes; the
// same message makes it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/netlink.h"

namespace appshot::networks {

struct Object {
  uint16_t type = 0;  // RTM_NEWADDR …
  std::vector<uint8_t> body;
  auto operator<=>(const Object&) const = default;
};

// A list that the kernel keeps.
struct Kind {
  const char* words;
  uint8_t family;  // 0: of all
  uint16_t make, remove, list;
  size_t fixed_bytes;
  std::vector<uint16_t> attributes;  // that are kept
  // Whether it is one that has been configured; takes out of the fixed part what passes.
  std::function<bool(std::vector<uint8_t>& fixed, const NetlinkAttributes& attributes)> settle;
};
// In the order in which they can be made.
const std::vector<Kind>& kinds();
// nullptr: of none.
const Kind* kind_of(const Object& object);

NetlinkAttributes attributes_of(const Kind& kind, const Object& object);
template <typename Fixed>
Fixed fixed_part(const Object& object) {
  Fixed fixed{};
  std::memcpy(&fixed, object.body.data(), std::min(sizeof fixed, object.body.size()));
  return fixed;
}

// In the namespace of the socket.
Result<std::vector<Object>> list(NetlinkSocket& socket, const Kind& kind);
// What appshot has made itself, for the instance's cable, and what belongs to it.
bool is_ours(const Kind& kind, const Object& object);

// Makes what is missing of `wanted`, and removes what there is beside it and beside ours.
Result<> make_same(NetlinkSocket& socket, const Kind& kind, const std::vector<Object>& wanted);

}  // namespace appshot::networks
