#include "resources/inet_groups.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <sstream>

#include "os/file.h"
#include "os/kernel_datagrams.h"

namespace appshot {
namespace {

constexpr size_t kSourcesMax = 64;

struct Group {
  unsigned interface = 0;
  sockaddr_storage address{};
};

// An interface's line begins with its index; those of its groups, which follow, with white space.
std::vector<Group> parse_igmp(const std::string& text) {
  std::vector<Group> groups;
  unsigned interface = 0;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);  // what the columns are
  while (std::getline(lines, line)) {
    unsigned number = 0;
    if (!line.starts_with('\t')) {
      if (std::sscanf(line.c_str(), "%u", &number) == 1) interface = number;
      continue;
    }
    if (std::sscanf(line.c_str(), " %x", &number) != 1) continue;
    Group group{interface};
    auto* address = reinterpret_cast<sockaddr_in*>(&group.address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = number;
    groups.push_back(group);
  }
  return groups;
}

std::vector<Group> parse_igmp6(const std::string& text) {
  std::vector<Group> groups;
  std::istringstream lines(text);
  unsigned interface = 0;
  std::string device, hex, rest;
  while (lines >> interface >> device >> hex && std::getline(lines, rest)) {
    if (hex.size() != 2 * sizeof(in6_addr)) continue;
    Group group{interface};
    auto* address = reinterpret_cast<sockaddr_in6*>(&group.address);
    address->sin6_family = AF_INET6;
    for (size_t i = 0; i < sizeof(in6_addr); ++i)
      address->sin6_addr.s6_addr[i] =
          static_cast<uint8_t>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
    groups.push_back(group);
  }
  return groups;
}

template <typename T>
void add(SocketOptions& options, int level, int name, const T* value, size_t length) {
  auto option = std::make_unique<image::SocketOptionT>();
  option->level = level;
  option->name = name;
  const auto* bytes = reinterpret_cast<const uint8_t*>(value);
  option->value.assign(bytes, bytes + length);
  options.push_back(std::move(option));
}

Result<> try_group(int socket, int level, const Group& group, SocketOptions& options) {
  alignas(group_filter) std::array<char, GROUP_FILTER_SIZE(kSourcesMax)> memory{};
  auto* filter = reinterpret_cast<group_filter*>(memory.data());
  filter->gf_interface = group.interface;
  filter->gf_group = group.address;
  filter->gf_numsrc = kSourcesMax;
  socklen_t length = memory.size();
  if (::getsockopt(socket, level, MCAST_MSFILTER, filter, &length) != 0) {
    if (errno == EADDRNOTAVAIL) return {};  // another socket's
    if (errno == ENOPROTOOPT) return {};    // a raw socket of IPv6 takes none of IPv4
    return Error::from_errno(errno, "getsockopt(MCAST_MSFILTER)");
  }
  if (filter->gf_numsrc > kSourcesMax)
    return Error(ErrorClass::refused, "a socket takes a multicast group from more than 64 sources");
  group_req join{};
  join.gr_interface = group.interface;
  join.gr_group = group.address;
  add(options, level, MCAST_JOIN_GROUP, &join, sizeof join);
  if (filter->gf_fmode == MCAST_EXCLUDE && filter->gf_numsrc == 0) return {};
  filter->gf_interface = group.interface;
  filter->gf_group = group.address;
  add(options, level, MCAST_MSFILTER, filter, GROUP_FILTER_SIZE(filter->gf_numsrc));
  return {};
}

}  // namespace

Result<> capture_groups(int socket, int domain, SocketOptions& options) {
  for (const Group& group : parse_igmp(read_file("/proc/thread-self/net/igmp").value_or("")))
    TRY(try_group(socket, IPPROTO_IP, group, options));
  if (domain != AF_INET6) return {};
  for (const Group& group : parse_igmp6(read_file("/proc/thread-self/net/igmp6").value_or("")))
    TRY(try_group(socket, IPPROTO_IPV6, group, options));
  return {};
}

Result<> capture_multicast_device(CaptureContext& context, int socket, SocketOptions& options) {
  KernelView* kernel = context.kernel();
  const uint32_t device = kernel == nullptr ? 0 : TRY(multicast_device(*kernel, socket));
  if (device == 0) return {};
  ip_mreqn chosen{};
  chosen.imr_ifindex = static_cast<int>(device);
  socklen_t length = sizeof chosen.imr_address;
  TRY_SYS(::getsockopt(socket, IPPROTO_IP, IP_MULTICAST_IF, &chosen.imr_address, &length));
  std::erase_if(options, [](const auto& option) {
    return option->level == IPPROTO_IP && option->name == IP_MULTICAST_IF;
  });
  add(options, IPPROTO_IP, IP_MULTICAST_IF, &chosen, sizeof chosen);
  return {};
}

}  // namespace appshot
