#include "resources/plain_sockets/netlink.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace appshot::plain_sockets {
namespace {

constexpr size_t kGroupWordsMax = 64;

constexpr OptionName kOptions[] = {
    {SOL_NETLINK, NETLINK_PKTINFO},       {SOL_NETLINK, NETLINK_BROADCAST_ERROR},
    {SOL_NETLINK, NETLINK_NO_ENOBUFS},    {SOL_NETLINK, NETLINK_LISTEN_ALL_NSID},
    {SOL_NETLINK, NETLINK_CAP_ACK},       {SOL_NETLINK, NETLINK_EXT_ACK},
    {SOL_NETLINK, NETLINK_GET_STRICT_CHK}};

}  // namespace

bool is_kept_whole(int netlink_protocol) {
  // NETLINK_AUDIT: what the kernel would keep of an audit daemon it takes from nobody in a pid
  // namespace of its own.
  constexpr int kWhole[] = {NETLINK_ROUTE,      NETLINK_USERSOCK,       NETLINK_SOCK_DIAG,
                            NETLINK_FIB_LOOKUP, NETLINK_KOBJECT_UEVENT, NETLINK_GENERIC,
                            NETLINK_AUDIT};
  return std::ranges::count(kWhole, netlink_protocol) != 0;
}

std::span<const OptionName> netlink_options() { return kOptions; }

Result<> capture_memberships(int socket, SocketOptions& options) {
  std::vector<uint32_t> words(kGroupWordsMax);
  auto length = static_cast<socklen_t>(words.size() * sizeof words[0]);
  TRY_SYS(::getsockopt(socket, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, words.data(), &length));
  words.resize(std::min(words.size(), length / sizeof words[0]));
  for (size_t i = 0; i < words.size() * 32; ++i) {
    if ((words[i / 32] & 1U << i % 32) == 0) continue;
    const auto group = static_cast<uint32_t>(i + 1);
    auto option = std::make_unique<image::SocketOptionT>();
    option->level = SOL_NETLINK;
    option->name = NETLINK_ADD_MEMBERSHIP;
    option->value.resize(sizeof group);
    std::memcpy(option->value.data(), &group, sizeof group);
    options.push_back(std::move(option));
  }
  return {};
}

}  // namespace appshot::plain_sockets
