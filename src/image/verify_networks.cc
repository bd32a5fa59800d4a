#include "image/verify_networks.h"

#include <cstring>
#include <set>
#include <string_view>
#include <utility>

#include "image/verify_mounts.h"
#include "image/verify_words.h"

namespace appshot::image {
namespace {

constexpr std::string_view kSettings = "/proc/sys/net/";
// The fixed part of a message about a device, and where its number stands in it.
constexpr size_t kDeviceBytes = 16, kDeviceNumber = 4;

Result<> settings(const NetworkT& network) {
  for (const auto& setting : network.settings)
    if (!setting->path.starts_with(kSettings) || !leads_down(setting->path.substr(1)))
      return wrong("a setting of a network");
  return {};
}

class Networks {
 public:
  explicit Networks(const ImageT& image) : image_(image) {}

  Result<> verify() {
    for (const auto& network : image_.networks) {
      TRY(verify_space(image_, network->space, "net"));
      if (!spaces_.insert(network->space).second) return wrong("a network");
      TRY(settings(*network));
      for (const auto& device : network->devices) TRY(of_device(network->space, *device));
    }
    for (const NetworkCable& cable : image_.network_cables) TRY(of_cable(cable));
    return {};
  }

 private:
  Result<> of_device(int space, const NetworkObjectT& device) {
    if (device.body.size() < kDeviceBytes) return wrong("a network device");
    int number = 0;
    std::memcpy(&number, device.body.data() + kDeviceNumber, sizeof number);
    if (number <= 0 || !devices_.insert({space, number}).second) return wrong("a network device");
    return {};
  }

  Result<> of_cable(const NetworkCable& cable) {
    for (const auto& end : {std::pair(cable.space(), cable.device()),
                            std::pair(cable.other_space(), cable.other_device())})
      if (!devices_.contains(end) || !ends_.insert(end).second) return wrong("a network cable");
    return {};
  }

  const ImageT& image_;
  std::set<int> spaces_;
  std::set<std::pair<int, int>> devices_, ends_;
};

}  // namespace

Result<> verify_networks(const ImageT& image) { return Networks(image).verify(); }

}  // namespace appshot::image
