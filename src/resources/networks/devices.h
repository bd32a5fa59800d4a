// The devices of a network namespace, each written down as the kernel tells of it (RTM_NEWLINK).
#pragma once

#include <linux/rtnetlink.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/netlink.h"

namespace appshot::networks {

inline constexpr int kLoopback = 1;  // its number, everywhere

class Device {
 public:
  explicit Device(std::vector<uint8_t> body) : body_(std::move(body)) {}

  int index() const { return fixed().ifi_index; }
  uint32_t flags() const { return fixed().ifi_flags; }
  std::string name() const { return attributes().text(IFLA_IFNAME); }
  // "veth", "bridge" …; empty: loopback, or one of the machine's.
  std::string kind() const { return attributes().nested(IFLA_LINKINFO).text(IFLA_INFO_KIND); }
  bool is_cable() const { return kind() == "veth"; }
  // The device it lies on, or the other end of a cable, by its number there; 0: none.
  int lower() const { return attributes().number<int>(IFLA_LINK); }
  // The other namespace, by what this one calls it; -1: it is this one.
  int namespace_of_lower() const;
  int master() const { return attributes().number<int>(IFLA_MASTER); }
  uint32_t mtu() const { return attributes().number<uint32_t>(IFLA_MTU); }

  // In words that follow "in which …": why it cannot be kept. Empty: it can.
  std::string obstacle() const;
  const std::vector<uint8_t>& body() const { return body_; }
  // The same without what is not set but merely told.
  Device settable() const;

  NetlinkMessage make() const;
  // Both ends: this one, and the other in the namespace of that descriptor.
  NetlinkMessage make_with(const Device& other, int there) const;
  // When all are there, in the order in which they are to be told: what it is and whose it is;
  // then, that it is to work.
  std::vector<NetlinkMessage> settings() const;
  NetlinkMessage bring_up() const;

 private:
  ifinfomsg fixed() const;
  NetlinkAttributes attributes() const;
  void add_identity(NetlinkMessage& message) const;

  std::vector<uint8_t> body_;
};

// In the namespace of the socket, in the order of their numbers, with everything that is told.
Result<std::vector<Device>> list_devices(NetlinkSocket& socket);
Result<> set_loopback(NetlinkSocket& socket, bool up);
// What that namespace calls another; -1: nothing yet.
Result<int> name_of_namespace(NetlinkSocket& socket, int other);

}  // namespace appshot::networks
