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
#include "resources/networks/known.h"
#include "resources/networks/look.h"
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

// What has no place in an image; each list is empty nearly always.
Result<std::string> obstacle_of_lists(NetlinkSocket& route) {
  std::string why;
  TRY(route.list(RTM_GETQDISC, std::vector<uint8_t>(sizeof(tcmsg)), "queueing disciplines",
                 [&](const NetlinkAnswer& answer) {
                   const NetlinkAttributes told(answer.body().subspan(sizeof(tcmsg)));
                   if (is_configured_queue(answer))
                     why = "a queueing discipline (" + told.text(TCA_KIND) + ")";
                 }));
  if (!why.empty()) return why;
  TRY(route.list(RTM_GETNEXTHOP, std::vector<uint8_t>(sizeof(nhmsg)), "next hops",
                 [&](const NetlinkAnswer&) { why = "a next hop by itself (ip nexthop)"; }));
  return why;
}

// These are told to nobody who listens.
Result<std::string> obstacle_of_old_tables(const std::string& proc) {
  for (const char* legacy : {"ip_tables_names", "ip6_tables_names", "arp_tables_names"})
    if (Result<std::string> names = read_file(proc + "/net/" + legacy); names && !names->empty())
      return std::string("a table of packet filters of the old kind (iptables-legacy)");
  return std::string();
}

// Of the calling thread's.
Result<std::string> obstacle_in(const Look& seen) {
  for (const Device& device : seen.devices)
    if (std::string why = device.obstacle(); !why.empty()) return why;
  NetlinkSocket route = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  std::string why = TRY(obstacle_of_lists(route));
  if (why.empty() && seen.cable) why = TRY(obstacle_of_cable(route, *seen.cable));
  if (!why.empty()) return why;
  why = TRY(obstacle_of_filters());
  return why.empty() ? obstacle_of_old_tables("/proc/thread-self") : why;
}

// What a new one is like. Most have been told nothing, and then that need not be known in full.
class OfNew {
 public:
  explicit OfNew(const InstanceView& instance) : own_(instance.own_network) {}

  Result<const Look*> look() {
    if (own_ != nullptr && own_->when_new) return &*own_->when_new;
    return &TRY(whole())->look;
  }
  // Of the calling thread's: those that a new one has otherwise.
  Result<Settings> other_settings(const std::string& cable) {
    if (own_ != nullptr && own_->are_settings_as_new()) return Settings();
    return differences(read_settings(), TRY(whole())->settings, cable);
  }

 private:
  Result<const NewNetwork*> whole() {
    if (!whole_) whole_ = TRY(look_at_new());
    return &*whole_;
  }

  const Known* own_;
  std::optional<NewNetwork> whole_;
};

// The application's part of one.
class Capture {
 public:
  Capture(CaptureContext& context, const std::vector<Space>& spaces)
      : context_(context), spaces_(spaces), of_new_(context.instance) {}

  Result<> of(const Space& space) {
    Known* own = space.index < 0 ? context_.instance.own_network : nullptr;
    if (own != nullptr && own->is_untouched()) return {};
    NamespaceVisit visit =
        TRY(NamespaceVisit::to("/proc/self/fd/" + std::to_string(space.fd.get()), "net"));
    const Look seen = TRY(look());
    auto network = std::make_unique<image::NetworkT>();
    network->space = space.index;
    for (const auto& [path, value] :
         TRY(of_new_.other_settings(seen.cable ? seen.cable->name() : ""))) {
      network->settings.push_back(std::make_unique<image::SettingT>());
      network->settings.back()->path = path;
      network->settings.back()->value = value;
    }
    TRY(keep_filters(*network));
    if (network->settings.empty() && network->filters.empty() &&
        is_like(seen, *TRY(of_new_.look())))
      return own != nullptr && own->watch ? own->watch->settle() : Result<>();
    TRY(keep_devices(seen, *network));
    for (const Object& object : seen.objects) network->objects.push_back(record(object));
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
    const std::vector<Object> filters = TRY(list_filters());
    for (const Object& object : filters) into.filters.push_back(record(object));
    if (filters.empty()) return {};  // then nothing is followed
    NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_NETFILTER));
    for (const Object& track : TRY(list_tracks(socket))) into.tracks.push_back(record(track));
    return {};
  }

  CaptureContext& context_;
  const std::vector<Space>& spaces_;
  OfNew of_new_;
};

}  // namespace

Result<std::string> obstacle(const std::string& path) {
  NamespaceVisit visit = TRY(NamespaceVisit::to(path, "net"));
  return obstacle_in(TRY(look_at_devices()));
}

void find_obstacle(const InstanceView& instance, Obstacles& obstacles) {
  if (instance.share.net) return;
  const std::string proc = "/proc/" + std::to_string(instance.init.value);
  const bool is_untouched = instance.own_network != nullptr && instance.own_network->is_untouched();
  Result<std::string> why =
      is_untouched ? obstacle_of_old_tables(proc) : obstacle(proc + "/ns/net");
  if (!why)
    obstacles.add("the instance's network cannot be looked into (" + why.error().message() + ")");
  else if (!why->empty())
    obstacles.add("in the instance's network there is " + *why + "; that cannot be captured yet",
                  "remove it before the snapshot");
}

Result<> capture(CaptureContext& context) {
  const std::vector<Space> spaces = TRY(spaces_of(context));
  Capture networks(context, spaces);
  for (const Space& space : spaces) TRY(networks.of(space));
  return {};
}

}  // namespace appshot::networks
