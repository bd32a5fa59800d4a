#include "resources/networks/cable.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <span>

#include "os/links.h"
#include "resources/networks/objects.h"

namespace appshot::networks {
namespace {

constexpr char kName[] = "eth0";
constexpr uint32_t kMtu = 1500;
constexpr char kMuteKind[] = "blackhole";

Result<std::vector<Object>> list_ours(NetlinkSocket& socket, uint16_t type) {
  std::vector<Object> all;
  for (const Kind& kind : kinds()) {
    if (kind.make != type) continue;
    for (Object& object : TRY(list(socket, kind)))
      if (is_ours(kind, object)) all.push_back(std::move(object));
  }
  return all;
}

}  // namespace

bool is_configured_queue(const NetlinkAnswer& queue) {
  const bool has_handle = queue.fixed<tcmsg>().tcm_handle != 0;
  const std::span<const uint8_t> kind = queue.attribute(sizeof(tcmsg), TCA_KIND);
  return has_handle && std::string(kind.begin(), std::ranges::find(kind, 0)) != kMuteKind;
}

Result<std::optional<Device>> find_cable(NetlinkSocket& socket,
                                         const std::vector<Device>& devices) {
  for (const Object& address : TRY(list_ours(socket, RTM_NEWADDR))) {
    const auto index = static_cast<int>(fixed_part<ifaddrmsg>(address).ifa_index);
    for (const Device& device : devices)
      if (device.index() == index && device.is_cable()) return std::optional<Device>(device);
  }
  return std::optional<Device>();
}

Result<std::string> obstacle_of_cable(NetlinkSocket& socket, const Device& cable) {
  const std::string other = "another " + std::string(kName) + " than appshot has made: ";
  if (cable.name() != kName) return other + "it is called " + cable.name();
  if ((cable.flags() & IFF_UP) == 0) return other + "it is down";
  if (cable.master() != 0) return other + "it is a part of another device";
  if (cable.mtu() != kMtu) return other + "its MTU is " + std::to_string(cable.mtu());
  if (TRY(list_ours(socket, RTM_NEWROUTE)).empty()) return other + "its route was removed";
  return std::string();
}

}  // namespace appshot::networks
