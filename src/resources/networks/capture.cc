#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <optional>

#include "os/file.h"
#include "os/namespace_visit.h"
#include "resources/networks/cable.h"
#include "resources/networks/devices.h"
#include "resources/networks/filters.h"
#include "resources/networks/networks.h"
#include "resources/networks/objects.h"
#include "resources/networks/tracks.h"

namespace appshot::networks {
namespace {

std::unique_ptr<image::NetworkObjectT> record(const Object& object) {
  auto made = std::make_unique<image::NetworkObjectT>();
  made->type = object.type;
  made->body = object.body;
  return made;
}

// One that takes part in a capture, by its place among Image.namespaces.
struct Space {
  int index = -1;
  UniqueFd fd;
};

Result<std::vector<Space>> spaces_of(const CaptureContext& context) {
  std::vector<Space> all;
  if (!context.instance.share.net)
    all.push_back(
        {-1, TRY(open_file("/proc/" + std::to_string(context.instance.init.value) + "/ns/net",
                           O_RDONLY | O_CLOEXEC))});
  for (const auto& [index, fd] : context.network_spaces)
    all.push_back({index, UniqueFd(TRY_SYS(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3)))});
  return all;
}

// The application's part of one.
class Capture {
 public:
  Capture(CaptureContext& context, const std::vector<Space>& spaces, const Look& of_new)
      : context_(context), spaces_(spaces), of_new_(of_new) {}

  Result<> of(const Space& space) {
    NamespaceVisit visit =
        TRY(NamespaceVisit::to("/proc/self/fd/" + std::to_string(space.fd.get()), "net"));
    const Look seen = TRY(look());
    auto network = std::make_unique<image::NetworkT>();
    network->space = space.index;
    TRY(keep_filters(*network));
    if (is_like(seen, of_new_) && network->filters.empty()) return {};
    TRY(keep_devices(seen, *network));
    for (const Object& object : seen.objects) network->objects.push_back(record(object));
    const std::string cable = seen.cable ? seen.cable->name() : "";
    for (const auto& [path, value] : differences(seen.settings, of_new_.settings, cable)) {
      network->settings.push_back(std::make_unique<image::SettingT>());
      network->settings.back()->path = path;
      network->settings.back()->value = value;
    }
    context_.image.networks.push_back(std::move(network));
    return {};
  }

 private:
  Result<> keep_devices(const Look& seen, image::NetworkT& into) {
    NetlinkSocket route = TRY(NetlinkSocket::open(NETLINK_ROUTE));
    for (const Device& device : seen.devices) {
      if (device.is_cable()) TRY(keep_cable(route, device, into.space));
      into.devices.push_back(record({RTM_NEWLINK, device.settable().body()}));
    }
    return {};
  }

  // Once, from the end that is met first.
  Result<> keep_cable(NetlinkSocket& route, const Device& device, int space) {
    const std::optional<int> other = TRY(where(route, device.namespace_of_lower(), space));
    if (!other) {
      context_.obstacles.add("a network namespace has a virtual cable, " + device.name() +
                                 ", whose other end is outside of the application",
                             "remove it before the snapshot");
      return {};
    }
    for (const image::NetworkCable& known : context_.image.network_cables)
      if (known.other_space() == space && known.other_device() == device.index()) return {};
    context_.image.network_cables.emplace_back(space, device.index(), *other, device.lower());
    return {};
  }

  // The one that is called so here.
  Result<std::optional<int>> where(NetlinkSocket& route, int name, int here) {
    if (name < 0) return std::optional<int>(here);
    for (const Space& space : spaces_)
      if (TRY(name_of_namespace(route, space.fd.get())) == name)
        return std::optional<int>(space.index);
    return std::optional<int>();
  }

  static Result<> keep_filters(image::NetworkT& into) {
    NetlinkSocket filter = TRY(NetlinkSocket::open(NETLINK_NETFILTER));
    const std::vector<Object> filters = TRY(list_filters(filter));
    for (const Object& object : filters) into.filters.push_back(record(object));
    if (filters.empty()) return {};  // then nothing is followed
    for (const Object& track : TRY(list_tracks(filter))) into.tracks.push_back(record(track));
    return {};
  }

  CaptureContext& context_;
  const std::vector<Space>& spaces_;
  const Look& of_new_;
};

Result<std::string> obstacle_of_devices(NetlinkSocket& route) {
  const std::vector<Device> devices = TRY(list_devices(route));
  const std::optional<Device> cable = TRY(find_cable(route, devices));
  for (const Device& device : devices) {
    if (cable && cable->index() == device.index()) continue;
    if (std::string why = device.obstacle(); !why.empty()) return why;
  }
  if (cable) return obstacle_of_cable(route, *cable);
  return std::string();
}

// What has no place in an image; each list is empty nearly always.
Result<std::string> obstacle_of_lists(NetlinkSocket& route) {
  std::string why;
  TRY(route.list(RTM_GETQDISC, std::vector<uint8_t>(sizeof(tcmsg)), "queueing disciplines",
                 [&](const NetlinkAnswer& answer) {
                   const auto queue = answer.fixed<tcmsg>();
                   const NetlinkAttributes told(answer.body().subspan(sizeof queue));
                   // Those that devices have by themselves have no handle.
                   if (queue.tcm_handle != 0 && told.text(TCA_KIND) != kMuteKind)
                     why = "a queueing discipline (" + told.text(TCA_KIND) + ")";
                 }));
  if (!why.empty()) return why;
  TRY(route.list(RTM_GETNEXTHOP, std::vector<uint8_t>(sizeof(nhmsg)), "next hops",
                 [&](const NetlinkAnswer&) { why = "a next hop by itself (ip nexthop)"; }));
  return why;
}

Result<std::string> obstacle_of_old_tables() {
  for (const char* legacy : {"ip_tables_names", "ip6_tables_names", "arp_tables_names"})
    if (Result<std::string> names = read_file(std::string("/proc/thread-self/net/") + legacy);
        names && !names->empty())
      return std::string("a table of packet filters of the old kind (iptables-legacy)");
  return std::string();
}

}  // namespace

Result<std::string> obstacle(const std::string& path) {
  NamespaceVisit visit = TRY(NamespaceVisit::to(path, "net"));
  NetlinkSocket route = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  NetlinkSocket filter = TRY(NetlinkSocket::open(NETLINK_NETFILTER));
  std::string why = TRY(obstacle_of_devices(route));
  if (why.empty()) why = TRY(obstacle_of_lists(route));
  if (why.empty()) why = TRY(obstacle_of_filters(filter));
  if (why.empty()) why = TRY(obstacle_of_old_tables());
  return why;
}

Result<> capture(CaptureContext& context, const Look& of_new) {
  const std::vector<Space> spaces = TRY(spaces_of(context));
  Capture networks(context, spaces, of_new);
  for (const Space& space : spaces) TRY(networks.of(space));
  return {};
}

}  // namespace appshot::networks
