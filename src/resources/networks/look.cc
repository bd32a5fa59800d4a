#include "resources/networks/look.h"

#include <linux/netlink.h>
#include <sched.h>

#include <algorithm>

#include "os/namespace_visit.h"
#include "resources/networks/cable.h"

namespace appshot::networks {

Result<Look> look_at_devices() {
  NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  Look all;
  all.devices = TRY(list_devices(socket));
  all.cable = TRY(find_cable(socket, all.devices));
  if (all.cable)
    std::erase_if(all.devices,
                  [&](const Device& device) { return device.index() == all.cable->index(); });
  return all;
}

Result<Look> look() {
  Look all = TRY(look_at_devices());
  NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  for (const Kind& kind : kinds())
    for (Object& object : TRY(list(socket, kind)))
      if (!is_ours(kind, object)) all.objects.push_back(std::move(object));
  return all;
}

Result<NewNetwork> look_at_new() {
  // It begins and ends where the thread is.
  NamespaceVisit visit = TRY(NamespaceVisit::to("/proc/thread-self/ns/net", "net"));
  TRY_SYS(::unshare(CLONE_NEWNET));
  NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  TRY(set_loopback(socket, true));
  return NewNetwork{TRY(look()), read_settings()};
}

bool is_like(const Look& own, const Look& of_new) {
  auto settable = [](const Device& device) { return device.settable().body(); };
  return std::ranges::equal(own.devices, of_new.devices, {}, settable, settable) &&
         own.objects == of_new.objects;
}

}  // namespace appshot::networks
