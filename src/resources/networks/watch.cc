#include "resources/networks/watch.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include "resources/networks/cable.h"
#include "resources/networks/devices.h"
#include "resources/networks/objects.h"

namespace appshot::networks {
namespace {

constexpr int kGroups[] = {RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                           RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,  RTNLGRP_IPV4_RULE,
                           RTNLGRP_IPV6_RULE,  RTNLGRP_NEIGH,       RTNLGRP_TC,
                           RTNLGRP_NEXTHOP};

// What programs do; the kernel makes and loses neighbours and routes by itself.
bool is_change_of_object(const NetlinkAnswer& news) {
  const bool is_removed = (news.type() - RTM_BASE) % 4 == 1;  // RTM_NEW…, DEL…, GET…, SET…
  const auto made = static_cast<uint16_t>(is_removed ? news.type() - 1 : news.type());
  const Object object{made, {news.body().begin(), news.body().end()}};
  const Kind* kind = kind_of(object);
  if (kind == nullptr) return true;
  std::vector<uint8_t> fixed(object.body.begin(),
                             object.body.begin() + static_cast<ptrdiff_t>(kind->fixed_bytes));
  if (!kind->settle(fixed, attributes_of(*kind, object))) return false;
  return is_removed || !is_ours(*kind, object);
}

}  // namespace

Result<Watch> Watch::begin() {
  NetlinkSocket route = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  for (int group : kGroups) TRY(route.listen(group));
  NetlinkSocket filters = TRY(NetlinkSocket::open(NETLINK_NETFILTER));
  TRY(filters.listen(NFNLGRP_NFTABLES));
  return Watch(std::move(route), std::move(filters));
}

Result<> Watch::settle() {
  take_news();
  if (missed_some_) TRY(list_devices_anew());
  changed_ = missed_some_ = false;
  return {};
}

bool Watch::may_have_changed() {
  take_news();
  return changed_;
}

void Watch::take_news() {
  auto take = [this](const NetlinkAnswer& news) { changed_ |= is_change(news); };
  Result<> told = route_.take_waiting("news of a network", take);
  if (told)
    told = filters_.take_waiting("news of packet filters",
                                 [this](const NetlinkAnswer&) { changed_ = true; });
  if (!told) changed_ = missed_some_ = true;
}

bool Watch::is_change(const NetlinkAnswer& news) {
  switch (news.type()) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return is_change_of_device(news);
    case RTM_NEWQDISC:
    case RTM_DELQDISC:
      return is_configured_queue(news);
    default:
      return is_change_of_object(news);
  }
}

// That it has come up, or that packets come, is told as well.
bool Watch::is_change_of_device(const NetlinkAnswer& news) {
  const Device device({news.body().begin(), news.body().end()});
  if (news.type() == RTM_DELLINK) {
    devices_.erase(device.index());
    return true;
  }
  std::vector<uint8_t> settable = device.settable().body();
  std::vector<uint8_t>& known = devices_[device.index()];
  const bool is_other = known != settable || !device.obstacle().empty();
  known = std::move(settable);
  return is_other;
}

Result<> Watch::list_devices_anew() {
  NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  devices_.clear();
  for (const Device& device : TRY(list_devices(socket)))
    devices_[device.index()] = device.settable().body();
  return {};
}

}  // namespace appshot::networks
