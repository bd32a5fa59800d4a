#include "os/network_look.h"

#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <initializer_list>
#include <span>

#include "os/file.h"
#include "os/namespace_visit.h"
#include "os/netlink.h"
#include "os/unique_fd.h"

namespace appshot {
namespace {

constexpr char kSettings[] = "/proc/sys/net";

Result<ifreq> loopback_flags(int socket) {
  ifreq request{};
  std::string("lo").copy(request.ifr_name, IFNAMSIZ - 1);
  TRY_SYS(::ioctl(socket, SIOCGIFFLAGS, &request));
  return request;
}

std::string bytes(std::span<const uint8_t> all) { return {all.begin(), all.end()}; }

// Of a list: the fixed part of each, and those attributes that do not count anything.
template <typename Fixed>
Result<> list(NetlinkSocket& socket, uint16_t type, const char* what,
              std::initializer_list<uint16_t> attributes, NetworkObjects& into) {
  Fixed request{};
  return socket.list(type, {reinterpret_cast<const uint8_t*>(&request), sizeof request}, what,
                     [&](const NetlinkAnswer& answer) {
                       const Fixed fixed = answer.fixed<Fixed>();
                       std::string object(what);
                       object.append(reinterpret_cast<const char*>(&fixed), sizeof fixed);
                       for (uint16_t attribute : attributes)
                         object +=
                             "|" + bytes(answer.attribute(NLMSG_ALIGN(sizeof fixed), attribute));
                       into.insert(std::move(object));
                     });
}

Result<> list_objects(NetworkObjects& into) {
  NetlinkSocket route = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  TRY(list<ifinfomsg>(route, RTM_GETLINK, "devices", {IFLA_IFNAME, IFLA_MTU, IFLA_TXQLEN}, into));
  TRY(list<ifaddrmsg>(route, RTM_GETADDR, "addresses", {IFA_ADDRESS, IFA_LOCAL, IFA_LABEL}, into));
  TRY(list<rtmsg>(route, RTM_GETROUTE, "routes",
                  {RTA_DST, RTA_GATEWAY, RTA_OIF, RTA_PRIORITY, RTA_TABLE, RTA_PREFSRC}, into));
  TRY(list<fib_rule_hdr>(route, RTM_GETRULE, "rules", {FRA_PRIORITY, FRA_TABLE}, into));
  TRY(list<tcmsg>(route, RTM_GETQDISC, "queueing disciplines", {TCA_KIND}, into));
  NetlinkSocket filter = TRY(NetlinkSocket::open(NETLINK_NETFILTER));
  TRY(list<nfgenmsg>(filter, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, "tables",
                     {NFTA_TABLE_NAME}, into));
  for (const char* legacy : {"ip_tables_names", "ip6_tables_names", "arp_tables_names"})
    if (Result<std::string> names = read_file(std::string("/proc/thread-self/net/") + legacy);
        names && !names->empty())
      into.insert(std::string(legacy) + *names);
  return {};
}

// What cannot be read cannot have been changed; counters are no settings.
void read_settings(const UniqueFd& folder, const std::string& path, NetworkSettings& into) {
  for (const std::string& name : list_folder_at(folder.get(), ".").value_or({})) {
    if (name.ends_with("_count")) continue;
    Result<std::string> text = read_record_at(folder.get(), name);
    if (text) {
      into[path + "/" + name] = *text;
    } else if (text.error().err() == EISDIR) {
      if (Result<UniqueFd> inner = open_at(folder.get(), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        read_settings(*inner, path + "/" + name, into);
    }
  }
}

}  // namespace

Result<> set_loopback(bool up) {
  UniqueFd socket(TRY_SYS(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  ifreq request = TRY(loopback_flags(socket.get()));
  const auto flags =
      static_cast<short>(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
  if (flags == request.ifr_flags) return {};
  request.ifr_flags = flags;
  TRY_SYS(::ioctl(socket.get(), SIOCSIFFLAGS, &request));
  return {};
}

Result<bool> is_loopback_up() {
  UniqueFd socket(TRY_SYS(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  return (TRY(loopback_flags(socket.get())).ifr_flags & IFF_UP) != 0;
}

Result<NetworkObjects> list_network_objects() {
  NetworkObjects objects;
  TRY(list_objects(objects));
  return objects;
}

NetworkSettings read_network_settings() {
  NetworkSettings settings;
  if (Result<UniqueFd> folder = open_file(kSettings, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    read_settings(*folder, kSettings, settings);
  return settings;
}

Result<> in_new_network(bool loopback_up, const std::function<Result<>()>& body) {
  // It begins and ends where the thread is.
  NamespaceVisit visit = TRY(NamespaceVisit::to("/proc/thread-self/ns/net", "net"));
  TRY_SYS(::unshare(CLONE_NEWNET));
  TRY(set_loopback(loopback_up));
  return body();
}

}  // namespace appshot
