#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <optional>

#include "os/links.h"
#include "resources/networks/cable.h"
#include "resources/networks/devices.h"
#include "resources/networks/filters.h"
#include "resources/networks/networks.h"
#include "resources/networks/objects.h"
#include "resources/networks/settings.h"
#include "resources/networks/tracks.h"

namespace appshot::networks {
namespace {

using Records = std::vector<std::unique_ptr<image::NetworkObjectT>>;

std::vector<Object> objects_of(const Records& records) {
  std::vector<Object> all;
  for (const auto& record : records) all.push_back({record->type, record->body});
  return all;
}

std::vector<Device> devices_of(const image::NetworkT& network) {
  std::vector<Device> all;
  for (const auto& record : network.devices) all.emplace_back(record->body);
  return all;
}

const image::NetworkT* network_of(const image::ImageT& image, int space) {
  for (const auto& network : image.networks)
    if (network->space == space) return network.get();
  return nullptr;
}

std::optional<Device> device_of(const image::ImageT& image, int space, int index) {
  const image::NetworkT* network = network_of(image, space);
  if (network == nullptr) return std::nullopt;
  for (Device& device : devices_of(*network))
    if (device.index() == index) return std::move(device);
  return std::nullopt;
}

class Networks {
 public:
  explicit Networks(const RestoreContext& context) : context_(context), image_(context.image) {}

  Result<> make() {
    TRY(bring_up_new_ones());
    const UniqueFd own = TRY(open_file("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    for (const image::NetworkCable& cable : image_.network_cables)
      TRY(lay(cable, cable.other_space() < 0 ? own.get() : descriptor_of(cable.other_space())));
    TRY(in_each([&](const image::NetworkT& network, NetlinkSocket& socket) {
      return make_devices(network, socket);
    }));
    TRY(in_each([&](const image::NetworkT& network, NetlinkSocket& socket) {
      return set_up(network, socket);
    }));
    TRY(in_each([&](const image::NetworkT& network, NetlinkSocket& socket) {
      return settle(network, socket);
    }));
    return in_each([&](const image::NetworkT& network, NetlinkSocket& socket) {
      return make_objects(network, socket, false);
    });
  }

 private:
  using Part = std::function<Result<>(const image::NetworkT& network, NetlinkSocket& socket)>;
  Result<> in_each(const Part& part) {
    for (const auto& network : image_.networks)
      TRY(context_.in_network(network->space, [&]() -> Result<> {
        NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_ROUTE));
        return part(*network, socket);
      }));
    return {};
  }

  // Of which nothing is told but that they are there.
  Result<> bring_up_new_ones() {
    for (int space : context_.networks()) {
      if (space < 0 || network_of(image_, space) != nullptr) continue;
      TRY(context_.in_network(space, [&]() -> Result<> {
        NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_ROUTE));
        return set_loopback(socket, true);
      }));
    }
    return {};
  }

  int descriptor_of(int space) const {
    return context_.namespaces[static_cast<size_t>(space)].get();
  }

  Result<> lay(const image::NetworkCable& cable, int there) {
    const std::optional<Device> here = device_of(image_, cable.space(), cable.device()),
                                other =
                                    device_of(image_, cable.other_space(), cable.other_device());
    if (!here || !other) return Error(ErrorClass::corrupt, "the image lacks an end of a cable");
    return context_.in_network(cable.space(), [&]() -> Result<> {
      return TRY(NetlinkSocket::open(NETLINK_ROUTE)).change(here->make_with(*other, there));
    });
  }

  // Those that lie on others have higher numbers, unless somebody has chosen them.
  static Result<> make_devices(const image::NetworkT& network, NetlinkSocket& socket) {
    std::vector<Device> left = devices_of(network);
    std::erase_if(left, [](const Device& device) {
      return device.is_cable() || device.index() == kLoopback;
    });
    while (!left.empty()) {
      const size_t before = left.size();
      Result<> last;
      std::erase_if(left, [&](const Device& device) {
        Result<> made = socket.change(device.make());
        if (!made) last = made;
        return static_cast<bool>(made);
      });
      if (left.size() == before) return last;
    }
    return {};
  }

  // Addresses come before devices work, so that none is asked for; but for loopback, which gets
  // its own from the kernel.
  static Result<> set_up(const image::NetworkT& network, NetlinkSocket& socket) {
    Settings settings;
    for (const auto& setting : network.settings) settings[setting->path] = setting->value;
    TRY(restore(settings));
    const std::vector<Device> devices = devices_of(network);
    for (const Device& device : devices) TRY(socket.change(device.settings()));
    for (const Device& device : devices)
      if (device.index() == kLoopback) TRY(socket.change(device.bring_up()));
    TRY(make_objects(network, socket, true));
    for (const Device& device : devices)
      if (device.index() != kLoopback) TRY(socket.change(device.bring_up()));
    return {};
  }

  static Result<> settle(const image::NetworkT& network, NetlinkSocket& socket) {
    for (const Device& device : devices_of(network))
      if (device.is_cable()) TRY(socket.change(links::settle_link(device.index())));
    return {};
  }

  static Result<> make_objects(const image::NetworkT& network, NetlinkSocket& socket,
                               bool only_addresses) {
    const std::vector<Object> all = objects_of(network.objects);
    if (std::ranges::any_of(all, [](const Object& object) { return kind_of(object) == nullptr; }))
      return Error(ErrorClass::corrupt, "the image holds an unknown object of a network");
    for (const Kind& kind : kinds()) {
      if (only_addresses && kind.make != RTM_NEWADDR) continue;
      std::vector<Object> wanted;
      std::ranges::copy_if(all, std::back_inserter(wanted),
                           [&](const Object& object) { return kind_of(object) == &kind; });
      TRY(make_same(socket, kind, wanted));
    }
    return {};
  }

  const RestoreContext& context_;
  const image::ImageT& image_;
};

}  // namespace

Result<> make_all(const RestoreContext& context) { return Networks(context).make(); }

Result<> begin_filtering(const RestoreContext& context) {
  for (const auto& network : context.image.networks) {
    if (network->filters.empty()) continue;
    TRY(context.in_network(network->space, [&]() -> Result<> {
      NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_NETFILTER));
      TRY(make_filters(socket, objects_of(network->filters)));
      return make_tracks(socket, objects_of(network->tracks));
    }));
  }
  return {};
}

}  // namespace appshot::networks
