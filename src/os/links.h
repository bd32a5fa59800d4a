// Network devices, their addresses and routes: the messages of rtnetlink(7) that this project
// sends, and what it reads back.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "os/ip_address.h"
#include "os/netlink.h"

namespace appshot::links {

using HardwareAddress = std::array<uint8_t, 6>;

// A virtual cable: one end here, the other in the namespace of a descriptor of it. A name may end
// in %d, for which the kernel puts a number. Ends of a cable need no resolution of addresses: both
// get the same hardware address, when they are told it, and send to that.
NetlinkMessage new_cable(const std::string& here, const std::string& there, int there_namespace);

struct LinkSettings {
  bool up = true;
  const HardwareAddress* hardware_address = nullptr;
  // Lets it carry packets from and to 127.0.0.0/8 (translated ones), forwards what it brings, and
  // believes only senders that are reached by it. For the host's end of a cable.
  bool serves_instance = false;
};
NetlinkMessage set_link(int index, const LinkSettings& settings);
// Done when a device whose other end has come up can send: the kernel sees to that some time later,
// unless it is asked about the device.
NetlinkMessage settle_link(int index);
NetlinkMessage delete_link(int index);

NetlinkMessage add_address(int index, const IpAddress& address);

enum class RouteKind { device, unreachable, local };
struct Route {
  RouteKind kind = RouteKind::device;
  IpNetwork to;
  int index = 0;        // the device
  uint32_t metric = 0;  // the lowest wins
  IpAddress from{};     // whom local senders are then
};
NetlinkMessage add_route(const Route& route);
// In place of one to the same addresses with the same metric.
NetlinkMessage replace_route(const Route& route);
NetlinkMessage delete_route(const Route& route);
// Marks the addresses and routes that are ours.
inline constexpr uint8_t kOurProtocol = 97;

// Everything that the device is to send is dropped without a word, until it is undone.
NetlinkMessage drop_all(int index);
NetlinkMessage undo_drop_all(int index);

// Programs for the kernel (BPF_PROG_TYPE_SCHED_CLS) see what comes by a device before anyone else
// here does, and what goes there after everyone else. They stay as long as the device.
NetlinkMessage let_programs_see(int index);
enum class Way { coming, going };
NetlinkMessage add_program(int index, Way way, int program);

struct Link {
  int index = 0;
  int other_end = 0;  // of a cable, its number where that end is
  std::string name;
  uint64_t received_bytes = 0;
  uint64_t sent_bytes = 0;
};
Result<std::vector<Link>> list(NetlinkSocket& socket);
Result<Link> find(NetlinkSocket& socket, const std::string& name);

struct SeenRoute {
  IpNetwork to;
  int index = 0;
  uint32_t metric = 0;
  bool ours = false;
  bool unreachable = false;
};
// Of the main table; `family` is AF_INET or AF_INET6.
Result<std::vector<SeenRoute>> list_routes(NetlinkSocket& socket, int family);

}  // namespace appshot::links
